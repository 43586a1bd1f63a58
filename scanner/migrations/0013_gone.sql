-- Whoever goes out of the show is counted as outside. Where guests may come back that has always been so.
ALTER TABLE shows ADD COLUMN exit INTEGER NOT NULL DEFAULT 0;
UPDATE shows SET exit = reentry;

-- The last departure of each ticket after which it stays used, from whichever door it became known.
CREATE TABLE gone (
    ticket BLOB PRIMARY KEY,
    show   INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
