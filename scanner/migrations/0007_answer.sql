-- What a scan was answered, so that whoever lost the answer may ask again under the same number.
ALTER TABLE scans ADD COLUMN answer TEXT;

-- The number under which the edge was asked about a code by a key that is not known here, and the scan that goes under it; none
-- where no answer came.
CREATE TABLE asked (
    code  TEXT PRIMARY KEY,
    scan  BLOB NOT NULL,
    taken BLOB,
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
