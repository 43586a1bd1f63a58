-- What was sold at this counter: what the ledger does not say because the peer need not know it.
CREATE TABLE sales (
    sale           BLOB PRIMARY KEY,
    code           TEXT NOT NULL UNIQUE,
    show           INTEGER NOT NULL,
    staff          TEXT NOT NULL,
    tender         TEXT NOT NULL CHECK (tender = 'cash' OR tender = 'card' OR tender = 'upi'),
    currency       TEXT NOT NULL,
    total_minor    INTEGER NOT NULL,
    received_minor INTEGER,
    sold_at        INTEGER NOT NULL,
    void_reason    TEXT,
    void_by        TEXT,
    void_at        INTEGER,
    -- The void waits for the doors.
    void_waits     INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE sale_tickets (
    ticket      BLOB PRIMARY KEY,
    sale        BLOB NOT NULL REFERENCES sales (sale),
    seat        TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    code        TEXT NOT NULL,
    series      TEXT NOT NULL,
    serial      INTEGER NOT NULL,
    UNIQUE (series, serial)
) STRICT;
CREATE INDEX sale_tickets_by_sale ON sale_tickets (sale);

-- The last number given out per series; it grows in the transaction of the sale, so a series has no gaps.
CREATE TABLE serials (
    series TEXT PRIMARY KEY,
    last   INTEGER NOT NULL
) STRICT;
