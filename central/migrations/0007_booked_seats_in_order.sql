-- A booking's number is random: kept by booking each one wrote a page of its own. Kept in their order only the small index does.
CREATE TABLE booked_seat_in_order (
    booking     BLOB NOT NULL REFERENCES booking (id),
    position    INTEGER NOT NULL,
    seat        INTEGER NOT NULL,
    label       TEXT NOT NULL,
    category    TEXT NOT NULL,
    price_minor INTEGER NOT NULL,
    ticket      BLOB,
    generation  INTEGER NOT NULL DEFAULT 0,
    state       TEXT NOT NULL,
    code        TEXT
) STRICT;
INSERT INTO booked_seat_in_order (booking, position, seat, label, category, price_minor, ticket, generation, state, code)
    SELECT booking, position, seat, label, category, price_minor, ticket, generation, state, code FROM booked_seat;
DROP TABLE booked_seat;
ALTER TABLE booked_seat_in_order RENAME TO booked_seat;
CREATE UNIQUE INDEX booked_seat_of_booking ON booked_seat (booking, position);
CREATE UNIQUE INDEX booked_seat_of_ticket ON booked_seat (ticket);
