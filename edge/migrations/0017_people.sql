-- A manager may let somebody new in: written down with what else persons answer for. SQLite cannot change a CHECK.
CREATE TABLE attestations_with_staff (
    number INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    what   TEXT NOT NULL CHECK (what IN ('opened', 'settled_unknown', 'named_witness', 'found_ticket', 'staff')),
    about  TEXT NOT NULL,
    staff  TEXT NOT NULL,
    second TEXT
) STRICT;
INSERT INTO attestations_with_staff SELECT number, at, what, about, staff, second FROM attestations;
DROP TABLE attestations;
ALTER TABLE attestations_with_staff RENAME TO attestations;
