-- Payments and refunds. A row exists before the first call to the gateway; its id is the idempotency key there.
CREATE TABLE payment (
    id              TEXT PRIMARY KEY,
    booking         BLOB NOT NULL REFERENCES booking (id),
    request_key     TEXT NOT NULL,
    gateway         TEXT NOT NULL,
    gateway_payment TEXT UNIQUE,
    state           TEXT NOT NULL,
    amount_minor    INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    pay_url         TEXT,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    given_up        INTEGER NOT NULL DEFAULT 0,
    bought          INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_look_at    INTEGER,
    UNIQUE (booking, request_key)
) STRICT;
CREATE INDEX payment_due ON payment (next_look_at) WHERE next_look_at IS NOT NULL;
-- Two payments under way for one booking could both be captured.
CREATE UNIQUE INDEX payment_one_open ON payment (booking) WHERE state IN ('unknown', 'created');

CREATE TABLE refund (
    id              TEXT PRIMARY KEY,
    payment         TEXT NOT NULL REFERENCES payment (id),
    booking         BLOB NOT NULL REFERENCES booking (id),
    reason          TEXT NOT NULL,
    gateway_refund  TEXT UNIQUE,
    state           TEXT NOT NULL,
    amount_minor    INTEGER NOT NULL,
    currency        TEXT NOT NULL,
    decided_at      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_look_at    INTEGER
) STRICT;
CREATE INDEX refund_by_booking ON refund (booking);
CREATE INDEX refund_due ON refund (next_look_at) WHERE next_look_at IS NOT NULL;

CREATE TABLE webhook_seen (
    gateway     TEXT NOT NULL,
    event       TEXT NOT NULL,
    seen_at     INTEGER NOT NULL,
    PRIMARY KEY (gateway, event)
) STRICT, WITHOUT ROWID;
