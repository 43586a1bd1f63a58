-- A sale may be given away, and a void is approved by somebody. SQLite cannot change a CHECK: both tables are made again.
ALTER TABLE sale_tickets RENAME TO sale_tickets_before;
ALTER TABLE sales RENAME TO sales_before;

CREATE TABLE sales (
    sale             BLOB PRIMARY KEY,
    code             TEXT NOT NULL UNIQUE,
    show             INTEGER NOT NULL,
    staff            TEXT NOT NULL,
    tender           TEXT NOT NULL CHECK (tender IN ('cash', 'card', 'upi', 'complimentary')),
    currency         TEXT NOT NULL,
    total_minor      INTEGER NOT NULL,
    received_minor   INTEGER,
    sold_at          INTEGER NOT NULL,
    void_reason      TEXT,
    void_by          TEXT,
    -- Whose PIN allowed it; the same person where that one may do it alone.
    void_approved_by TEXT,
    void_at          INTEGER,
    -- The void waits for the doors.
    void_waits       INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, received_minor, sold_at,
                   void_reason, void_by, void_approved_by, void_at, void_waits)
SELECT sale, code, show, staff, tender, currency, total_minor, received_minor, sold_at,
       void_reason, void_by, void_by, void_at, void_waits FROM sales_before;

CREATE TABLE sale_tickets (
    ticket      BLOB PRIMARY KEY,
    sale        BLOB NOT NULL REFERENCES sales (sale),
    seat        TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    code        TEXT NOT NULL,
    series      TEXT NOT NULL,
    serial      INTEGER NOT NULL,
    -- When it was taken back. Of a sale whose void the doors were asked about, not every ticket need be.
    voided_at   INTEGER,
    UNIQUE (series, serial)
) STRICT;
INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial, voided_at)
SELECT ticket, sale, seat, category, price_minor, code, series, serial, voided_at FROM sale_tickets_before;

DROP TABLE sale_tickets_before;
DROP TABLE sales_before;
CREATE INDEX sale_tickets_by_sale ON sale_tickets (sale);
CREATE INDEX sales_by_time ON sales (sold_at);
CREATE INDEX sales_given_away ON sales (show) WHERE tender = 'complimentary';

-- What is known of a payment that the box cannot see itself. It stays to be verified until somebody has compared it with the bank's.
CREATE TABLE slips (
    sale       BLOB PRIMARY KEY REFERENCES sales (sale),
    -- The last digits of the card, or of the transfer's number.
    digits     TEXT,
    -- The approval code on the card terminal's slip.
    approval   TEXT,
    outcome    TEXT CHECK (outcome IN ('paid', 'missing')),
    settled_by TEXT,
    settled_at INTEGER,
    note       TEXT
) STRICT;
CREATE INDEX slips_to_verify ON slips (sale) WHERE outcome IS NULL;

-- Why a sale was free, and whose PIN allowed it.
CREATE TABLE complimentary (
    sale        BLOB PRIMARY KEY REFERENCES sales (sale),
    reason      TEXT NOT NULL,
    approved_by TEXT NOT NULL
) STRICT;

-- Who kept which seats back for the house, and who gave them back to sale.
CREATE TABLE withholdings (
    number   INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    show     INTEGER NOT NULL,
    seats    TEXT NOT NULL,
    withheld INTEGER NOT NULL,
    staff    TEXT NOT NULL
) STRICT;
