//! Statements that write one row, whether it was there or not.

pub(super) const HEAD: &str = "
    INSERT INTO ledger_head (theatre, own_incarnation, own_seq, own_hash, peer_incarnation, peer_seq, peer_hash,
        acked, closed, recovery)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (theatre) DO UPDATE
        SET (own_incarnation, own_seq, own_hash, peer_incarnation, peer_seq, peer_hash, acked, closed, recovery)
            = (excluded.own_incarnation, excluded.own_seq, excluded.own_hash, excluded.peer_incarnation,
                excluded.peer_seq, excluded.peer_hash, excluded.acked, excluded.closed, excluded.recovery)";
pub(super) const PLAN_PART: &str = "
    INSERT INTO ledger_plan_part (theatre, screen, version, parts)
        VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (theatre, screen, version) DO UPDATE
        SET parts = excluded.parts";
pub(super) const SHOW: &str = "
    INSERT INTO ledger_show (theatre, show, screen, movie, title, starts, ends, cancelled, \"overlaps\", facts)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (theatre, show) DO UPDATE
        SET (screen, movie, title, starts, ends, cancelled, \"overlaps\", facts)
            = (excluded.screen, excluded.movie, excluded.title, excluded.starts, excluded.ends,
                excluded.cancelled, excluded.\"overlaps\", excluded.facts)";
pub(super) const SEAT: &str = "
    INSERT INTO ledger_seat (theatre, show, seat, epoch, generation, standing, ticket, doubtful)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (theatre, show, seat) DO UPDATE
        SET (epoch, generation, standing, ticket, doubtful)
            = (excluded.epoch, excluded.generation, excluded.standing, excluded.ticket, excluded.doubtful)";
pub(super) const TICKET: &str = "
    INSERT INTO ledger_ticket (theatre, ticket, show, seat, generation, seller, booking, price, void_requested,
        answer, admitted_at, door)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        ON CONFLICT (theatre, show, seat, ticket) DO UPDATE
        SET (seller, booking, price, void_requested, answer, admitted_at, door)
            = (excluded.seller, excluded.booking, excluded.price, excluded.void_requested, excluded.answer,
                excluded.admitted_at, excluded.door)";
pub(super) const HOLD: &str = "
    INSERT INTO ledger_hold (theatre, hold, show, kind, deadline, cap, seats)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (theatre, hold) DO UPDATE
        SET (show, kind, deadline, cap, seats)
            = (excluded.show, excluded.kind, excluded.deadline, excluded.cap, excluded.seats)";
pub(super) const MARK: &str = "
    INSERT INTO ledger_mark (theatre, marks)
        VALUES (?1, ?2)
        ON CONFLICT (theatre) DO UPDATE
        SET marks = excluded.marks";
