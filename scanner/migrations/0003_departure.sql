ALTER TABLE shows ADD COLUMN reentry INTEGER NOT NULL DEFAULT 0;

-- The last departure of each ticket after which it may enter again, from whichever door it became known.
CREATE TABLE departed (
    ticket BLOB PRIMARY KEY,
    show   INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The departures at this door, kept until their show is over.
CREATE TABLE departures (
    departure BLOB PRIMARY KEY,
    ticket    BLOB NOT NULL,
    show      INTEGER NOT NULL,
    how       TEXT NOT NULL CHECK (how IN ('out', 'undone')),
    at        INTEGER NOT NULL,
    door      TEXT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('queued', 'stored'))
) STRICT;
CREATE INDEX departures_queued ON departures (at) WHERE state = 'queued';
