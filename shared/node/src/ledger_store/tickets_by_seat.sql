-- A ticket's number is random: kept by number each sale wrote two pages of the whole season's; by seat it writes one of its show.
CREATE TABLE ledger_ticket_by_seat (
    theatre        INTEGER NOT NULL,
    show           INTEGER NOT NULL,
    seat           INTEGER NOT NULL,
    ticket         BLOB    NOT NULL,
    generation     INTEGER NOT NULL,
    seller         TEXT    CHECK (seller = 'central' OR seller = 'edge'),
    booking        BLOB,
    price          INTEGER,
    void_requested INTEGER NOT NULL,
    answer         TEXT    CHECK (answer = 'accepted' OR answer = 'refused'),
    admitted_at    INTEGER,
    door           TEXT,
    PRIMARY KEY (theatre, show, seat, ticket)
) STRICT, WITHOUT ROWID;
INSERT INTO ledger_ticket_by_seat (theatre, show, seat, ticket, generation, seller, booking, price, void_requested, answer,
        admitted_at, door)
    SELECT theatre, show, seat, ticket, generation, seller, booking, price, void_requested, answer, admitted_at, door
    FROM ledger_ticket;
DROP TABLE ledger_ticket;
ALTER TABLE ledger_ticket_by_seat RENAME TO ledger_ticket;
