-- What two persons have answered for, with their names.
CREATE TABLE override (
    n       INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    what    TEXT    NOT NULL,
    theatre INTEGER NOT NULL,
    first   TEXT    NOT NULL,
    second  TEXT    NOT NULL
) STRICT;

-- Numbers of central's shows up to here may have been used before the store was put back from a backup.
CREATE TABLE number_floor (
    theatre INTEGER PRIMARY KEY,
    number  INTEGER NOT NULL
) STRICT;

ALTER TABLE discrepancy ADD COLUMN settled_by TEXT;
ALTER TABLE discrepancy ADD COLUMN settled_how TEXT;
