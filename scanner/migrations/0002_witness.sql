-- What this device keeps of the edge's log: the highest signed head, the head before the first kept entry, and the entries.
CREATE TABLE witness_head (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    theatre INTEGER NOT NULL,
    -- A signed head as JSON.
    kept    TEXT NOT NULL,
    -- A head as JSON; nothing where no entries are kept.
    before  TEXT
) STRICT;

CREATE TABLE witness_entries (
    seq         INTEGER PRIMARY KEY,
    incarnation BLOB NOT NULL,
    hash        BLOB NOT NULL,
    bytes       BLOB NOT NULL
) STRICT;
