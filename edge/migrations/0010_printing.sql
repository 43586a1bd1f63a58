-- What is to be printed of a sale that is already committed, and what came of it.
CREATE TABLE prints (
    print     BLOB PRIMARY KEY,
    sale      BLOB NOT NULL REFERENCES sales (sale),
    document  TEXT NOT NULL CHECK (document = 'tickets' OR document = 'receipt'),
    -- 0 for the first paper, else the number that stands on the duplicate.
    copy      INTEGER NOT NULL,
    printer   TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state = 'waiting' OR state = 'printed' OR state = 'failed' OR state = 'skipped'),
    reason    TEXT,
    -- Some of it may be on paper, whatever the state says.
    maybe_out INTEGER NOT NULL DEFAULT 0,
    -- The drawer is opened with it.
    kick      INTEGER NOT NULL,
    asked_by  TEXT NOT NULL,
    -- Who answered for a duplicate.
    second    TEXT,
    asked_at  INTEGER NOT NULL,
    ended_at  INTEGER
) STRICT;
CREATE INDEX prints_by_sale ON prints (sale, document);
CREATE INDEX prints_open ON prints (asked_at) WHERE state = 'waiting' OR state = 'failed';
