-- What central sold on the web, with the times that the logs tell: the day's reports count it as a channel of its own.
CREATE TABLE web_tickets (
    ticket      BLOB PRIMARY KEY,
    show        INTEGER NOT NULL,
    category    TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    sold_at     INTEGER NOT NULL,
    -- When the house took its cancellation in.
    voided_at   INTEGER
) STRICT;
CREATE INDEX web_tickets_by_time ON web_tickets (sold_at);
CREATE INDEX web_tickets_voided ON web_tickets (voided_at) WHERE voided_at IS NOT NULL;

-- How far each log was read for it.
CREATE TABLE web_read (
    log  TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
