-- What was held: the seats of a payment that came too late are named, and its amount, though the hold is gone.
ALTER TABLE counter_holds ADD COLUMN seats TEXT;
ALTER TABLE counter_holds ADD COLUMN currency TEXT;
ALTER TABLE counter_holds ADD COLUMN total_minor INTEGER;

-- Card and UPI payments of which the cashier said that they were made, for seats that were not held any more: nothing was sold.
CREATE TABLE unsold_payments (
    hold        BLOB PRIMARY KEY,
    seats       TEXT NOT NULL,
    tender      TEXT NOT NULL CHECK (tender IN ('card', 'upi')),
    currency    TEXT NOT NULL,
    total_minor INTEGER NOT NULL,
    digits      TEXT,
    approval    TEXT,
    staff       TEXT NOT NULL,
    at          INTEGER NOT NULL,
    outcome     TEXT CHECK (outcome IN ('paid', 'missing')),
    settled_by  TEXT,
    settled_at  INTEGER,
    note        TEXT
) STRICT;
CREATE INDEX unsold_payments_to_verify ON unsold_payments (at) WHERE outcome IS NULL;
