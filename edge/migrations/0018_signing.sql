-- The key that signs tickets, where the box has had another one before, and who let it sign before every door knew it.
CREATE TABLE signing (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL,
    by  TEXT
) STRICT;
