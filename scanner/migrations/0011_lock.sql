-- The PIN that opens the page's settings again, and how often it was not the right one in a row; no row where they are open.
CREATE TABLE lock (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    pin_hash     TEXT NOT NULL,
    wrong_pins   INTEGER NOT NULL DEFAULT 0,
    locked_until INTEGER NOT NULL DEFAULT 0
) STRICT;
