-- Persons also answer for tickets that turned up.
CREATE TABLE attestations_with_found (
    number INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    what   TEXT NOT NULL
        CHECK (what = 'opened' OR what = 'settled_unknown' OR what = 'named_witness' OR what = 'found_ticket'),
    about  TEXT NOT NULL,
    staff  TEXT NOT NULL,
    second TEXT
) STRICT;
INSERT INTO attestations_with_found SELECT number, at, what, about, staff, second FROM attestations;
DROP TABLE attestations;
ALTER TABLE attestations_with_found RENAME TO attestations;
