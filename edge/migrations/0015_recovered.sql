-- A sale may be got back from whoever remembered it: nobody knows then how it was paid. And a sale may be a whole group's, with one
-- paper for all of it. SQLite cannot change a CHECK: the tables and all that refer to them are made again.
ALTER TABLE voids RENAME TO voids_before;
ALTER TABLE prints RENAME TO prints_before;
ALTER TABLE complimentary RENAME TO complimentary_before;
ALTER TABLE slips RENAME TO slips_before;
ALTER TABLE sale_tickets RENAME TO sale_tickets_before;
ALTER TABLE sales RENAME TO sales_before;

CREATE TABLE sales (
    sale             BLOB PRIMARY KEY,
    code             TEXT NOT NULL UNIQUE,
    show             INTEGER NOT NULL,
    -- Empty where nobody knows who sold it.
    staff            TEXT NOT NULL,
    tender           TEXT NOT NULL CHECK (tender IN ('cash', 'card', 'upi', 'complimentary', 'recovered')),
    currency         TEXT NOT NULL,
    total_minor      INTEGER NOT NULL,
    received_minor   INTEGER,
    sold_at          INTEGER NOT NULL,
    void_reason      TEXT,
    void_by          TEXT,
    void_approved_by TEXT,
    void_at          INTEGER,
    void_waits       INTEGER NOT NULL DEFAULT 0,
    hold             BLOB,
    -- Whose it is, where a whole group is sold at once, and whose PIN allowed that.
    group_name       TEXT,
    group_allowed_by TEXT
) STRICT;
INSERT INTO sales (sale, code, show, staff, tender, currency, total_minor, received_minor, sold_at, void_reason, void_by,
                   void_approved_by, void_at, void_waits, hold)
SELECT sale, code, show, staff, tender, currency, total_minor, received_minor, sold_at, void_reason, void_by,
       void_approved_by, void_at, void_waits, hold FROM sales_before;

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
    -- How its price goes back, where that is not the way it came.
    back        TEXT CHECK (back IN ('cash', 'card', 'upi', 'recovered')),
    UNIQUE (series, serial)
) STRICT;
INSERT INTO sale_tickets (ticket, sale, seat, category, price_minor, code, series, serial, voided_at)
SELECT ticket, sale, seat, category, price_minor, code, series, serial, voided_at FROM sale_tickets_before;

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
INSERT INTO slips (sale, digits, approval, outcome, settled_by, settled_at, note)
SELECT sale, digits, approval, outcome, settled_by, settled_at, note FROM slips_before;

CREATE TABLE complimentary (
    sale        BLOB PRIMARY KEY REFERENCES sales (sale),
    reason      TEXT NOT NULL,
    approved_by TEXT NOT NULL
) STRICT;
INSERT INTO complimentary (sale, reason, approved_by) SELECT sale, reason, approved_by FROM complimentary_before;

CREATE TABLE prints (
    print     BLOB PRIMARY KEY,
    sale      BLOB NOT NULL REFERENCES sales (sale),
    document  TEXT NOT NULL CHECK (document IN ('tickets', 'receipt', 'group')),
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
    ended_at  INTEGER,
    -- When a document was read: it is given out once, as a paper is.
    read_at   INTEGER
) STRICT;
INSERT INTO prints (print, sale, document, copy, printer, state, reason, maybe_out, kick, asked_by, second, asked_at, ended_at,
                    read_at)
SELECT print, sale, document, copy, printer, state, reason, maybe_out, kick, asked_by, second, asked_at, ended_at, read_at
FROM prints_before;

CREATE TABLE voids (
    number      INTEGER PRIMARY KEY,
    ticket      BLOB NOT NULL REFERENCES sale_tickets (ticket),
    reason      TEXT NOT NULL,
    asked_by    TEXT NOT NULL,
    -- The same person where that one may do it alone.
    approved_by TEXT NOT NULL,
    asked_at    INTEGER NOT NULL,
    -- Nothing while it waits for the doors.
    outcome     TEXT CHECK (outcome IN ('void', 'used')),
    ended_at    INTEGER
) STRICT;
INSERT INTO voids (number, ticket, reason, asked_by, approved_by, asked_at, outcome, ended_at)
SELECT number, ticket, reason, asked_by, approved_by, asked_at, outcome, ended_at FROM voids_before;

DROP TABLE voids_before;
DROP TABLE prints_before;
DROP TABLE complimentary_before;
DROP TABLE slips_before;
DROP TABLE sale_tickets_before;
DROP TABLE sales_before;

CREATE INDEX sale_tickets_by_sale ON sale_tickets (sale);
CREATE INDEX sale_tickets_voided ON sale_tickets (voided_at) WHERE voided_at IS NOT NULL;
CREATE INDEX sales_by_time ON sales (sold_at);
CREATE INDEX sales_given_away ON sales (show) WHERE tender = 'complimentary';
CREATE UNIQUE INDEX sales_by_hold ON sales (hold) WHERE hold IS NOT NULL;
CREATE INDEX sales_by_show ON sales (show);
CREATE INDEX sales_by_staff ON sales (staff, sold_at);
CREATE INDEX slips_to_verify ON slips (sale) WHERE outcome IS NULL;
CREATE INDEX prints_by_sale ON prints (sale, document);
CREATE INDEX prints_open ON prints (asked_at) WHERE state = 'waiting' OR state = 'failed';
CREATE INDEX voids_by_ticket ON voids (ticket);
CREATE UNIQUE INDEX voids_open ON voids (ticket) WHERE outcome IS NULL;

-- Whose seats are held, where they are a whole group's, and whose PIN allowed that: the sale takes it over.
ALTER TABLE counter_holds ADD COLUMN group_name TEXT;
ALTER TABLE counter_holds ADD COLUMN group_allowed_by TEXT;
