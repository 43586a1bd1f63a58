-- The till journal: rows numbered from 1, each chained to the one before it by its hash.
CREATE TABLE till_journal (
    seq   INTEGER PRIMARY KEY,
    shift INTEGER NOT NULL,
    entry BLOB NOT NULL,
    hash  BLOB NOT NULL
) STRICT;
CREATE INDEX till_journal_by_shift ON till_journal (shift, seq);

-- Where the journal ends: rows that are cut off its end are missed.
CREATE TABLE till_last (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;

-- Whose shift is open, and which report closed the others; the journal says everything else.
CREATE TABLE shifts (
    shift INTEGER PRIMARY KEY,
    staff TEXT NOT NULL,
    z     INTEGER UNIQUE
) STRICT;
CREATE UNIQUE INDEX shifts_open ON shifts (staff) WHERE z IS NULL;

-- When a ticket was taken back. Of a sale whose void the doors were asked about, not every ticket need be.
ALTER TABLE sale_tickets ADD COLUMN voided_at INTEGER;

CREATE INDEX sales_by_time ON sales (sold_at);
