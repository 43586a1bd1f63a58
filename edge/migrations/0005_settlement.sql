-- What happened at the doors is settled like what the ledger found: once, by a person. Each gets a number that never changes.
CREATE TABLE numbered_discrepancies (
    n           INTEGER PRIMARY KEY,
    scan        BLOB NOT NULL,
    code        TEXT NOT NULL,
    ticket      BLOB NOT NULL,
    show        INTEGER NOT NULL,
    seat        TEXT NOT NULL,
    door        TEXT NOT NULL,
    at          INTEGER NOT NULL,
    guarantee   TEXT NOT NULL,
    first_door  TEXT,
    first_at    INTEGER,
    noted_at    INTEGER NOT NULL,
    settled_at  INTEGER,
    settled_by  TEXT,
    settled_how TEXT,
    UNIQUE (scan, code)
) STRICT;
INSERT INTO numbered_discrepancies
    (scan, code, ticket, show, seat, door, at, guarantee, first_door, first_at, noted_at)
    SELECT scan, code, ticket, show, seat, door, at, guarantee, first_door, first_at, noted_at
    FROM door_discrepancies ORDER BY noted_at, scan, code;
DROP TABLE door_discrepancies;
ALTER TABLE numbered_discrepancies RENAME TO door_discrepancies;
CREATE INDEX door_discrepancies_open ON door_discrepancies (noted_at) WHERE settled_at IS NULL;
