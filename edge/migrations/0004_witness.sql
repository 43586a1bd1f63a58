-- At most one device is the box's named witness: without its word a box that starts does not open by itself.
ALTER TABLE devices ADD COLUMN witness INTEGER NOT NULL DEFAULT 0 CHECK (witness = 0 OR witness = 1);
CREATE UNIQUE INDEX devices_witness ON devices (witness) WHERE witness = 1;

-- What two persons, or one with a PIN, have answered for.
CREATE TABLE attestations (
    number INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    what   TEXT NOT NULL CHECK (what = 'opened' OR what = 'settled_unknown' OR what = 'named_witness'),
    about  TEXT NOT NULL,
    staff  TEXT NOT NULL,
    second TEXT
) STRICT;
