-- Bookings, their tickets, and the cancellations that wait for a theatre's answer.
CREATE TABLE booking (
    id          BLOB PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,
    theatre     INTEGER NOT NULL,
    show        INTEGER NOT NULL,
    hold        BLOB NOT NULL UNIQUE,
    state       TEXT NOT NULL,
    email       TEXT,
    phone       TEXT,
    total_minor INTEGER NOT NULL,
    currency    TEXT NOT NULL,
    request     BLOB NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    booked_at   INTEGER
) STRICT;
CREATE INDEX booking_by_show ON booking (theatre, show);
CREATE INDEX booking_open ON booking (expires_at) WHERE state IN ('awaiting_payment', 'paying');

-- The seats of a booking with their frozen prices; the ticket is there once the seat is sold.
CREATE TABLE booked_seat (
    booking     BLOB NOT NULL REFERENCES booking (id),
    position    INTEGER NOT NULL,
    seat        INTEGER NOT NULL,
    label       TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    ticket      BLOB UNIQUE,
    generation  INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    code        TEXT,
    PRIMARY KEY (booking, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE cancellation (
    booking      BLOB PRIMARY KEY REFERENCES booking (id),
    state        TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    answered_at  INTEGER
) STRICT;

-- What a person must settle and the ledger cannot know: money that fits no ticket.
CREATE TABLE discrepancy (
    id          INTEGER PRIMARY KEY,
    theatre     INTEGER,
    booking     BLOB,
    code        TEXT NOT NULL,
    text        TEXT NOT NULL,
    found_at    INTEGER NOT NULL,
    settled_at  INTEGER
) STRICT;
