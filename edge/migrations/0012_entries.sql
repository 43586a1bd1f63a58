-- Which life of its device made a scan.
ALTER TABLE scans ADD COLUMN incarnation INTEGER NOT NULL DEFAULT 0;

-- The entries on a ticket that do not count: with the one that does, its admission, they are the grow-only set of those who came in.
CREATE TABLE further_entries (
    ticket BLOB NOT NULL,
    scan   BLOB NOT NULL,
    door   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (ticket, scan)
) STRICT, WITHOUT ROWID;
INSERT INTO further_entries (ticket, scan, door, at)
    SELECT ticket, scan, door, at FROM door_discrepancies WHERE code = 'admitted_twice';
