-- What the seats of a show cost and since when, as the logs tell it: the price a show was added with, and every one that was set later.
CREATE TABLE show_prices (
    log         TEXT NOT NULL,
    seq         INTEGER NOT NULL,
    category    INTEGER NOT NULL,
    show        INTEGER NOT NULL,
    price_minor INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    -- It is the price that the show was added with, which may stand in another log than the later ones.
    first       INTEGER NOT NULL,
    PRIMARY KEY (log, seq, category)
) STRICT;
CREATE INDEX show_prices_of_show ON show_prices (show);

-- How far each log was read for it.
CREATE TABLE prices_read (
    log  TEXT PRIMARY KEY,
    seq  INTEGER NOT NULL,
    hash BLOB NOT NULL
) STRICT;
