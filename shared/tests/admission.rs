//! The admission check as a table: the ticket | what the device knows | the door -> verdict and code.

use shared::admission::{Admission, Clock, Door, DoorFacts, DoorShow, DoorTicket, Guarantee, TicketState, Verdict};
use shared::ids::{ScreenId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{Certificate, KeyRing, Purpose, SecretKey};
use shared::ticket::{RowLabel, TicketBody};
use shared::time::Timestamp;
use std::convert::Infallible;
use std::time::Duration;

const START: Timestamp = Timestamp(29_900_000 * 60_000);

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

fn body() -> TicketBody {
    TicketBody {
        ticket: TicketId([7; 8]),
        theatre: TheatreId(12),
        show: ShowNumber(345),
        screen: ScreenId(2),
        row: RowLabel::new("C").expect("row"),
        number: 12,
        generation: 1,
        valid_from: START,
        valid_until: START + minutes(150),
    }
}

fn key(side: Side) -> SecretKey {
    SecretKey::from_seed(&[if side == Side::Central { 2 } else { 3 }; 32])
}

fn ring() -> KeyRing {
    let root = SecretKey::from_seed(&[1; 32]);
    let mut ring = KeyRing::new(root.public(), TheatreId(12));
    for side in [Side::Central, Side::Edge] {
        let certificate = Certificate {
            public_key: key(side).public(),
            theatre: TheatreId(12),
            side,
            valid_from: START - minutes(50_000),
            valid_until: START + minutes(50_000),
            purpose: Purpose::TicketsAndLink,
        };
        ring.add(&certificate.sign(&root)).expect("certificate");
    }
    ring
}

fn scan(row: &str) -> Verdict {
    let mut columns = row.split('|').map(|column| column.split_whitespace().collect::<Vec<_>>());
    let mut next = || columns.next().expect("three columns");
    let (ticket, known, at) = (next(), next(), next());

    let (mut body, mut signer, mut ring) = (body(), key(Side::Central), ring());
    let mut code = None;
    for word in &ticket {
        match *word {
            "central" => signer = key(Side::Central),
            "edge" => signer = key(Side::Edge),
            "strange-key" => signer = SecretKey::from_seed(&[9; 32]),
            "foreign" => body.theatre = TheatreId(13),
            "revoked-key" => ring.revoke(signer.key_id()),
            "forged" => {
                let mut forged = body.sign(&signer).to_string();
                let last = forged.pop().expect("text");
                forged.pop();
                forged.extend(['7', last]);
                code = Some(forged);
            }
            "later-format" => {
                let mut bytes =
                    data_encoding::BASE32_NOPAD.decode(body.sign(&signer).to_string().as_bytes()).expect("Base32");
                bytes[0] = 2;
                code = Some(data_encoding::BASE32_NOPAD.encode(&bytes));
            }
            "garbage" => code = Some("HELLO".to_owned()),
            other => panic!("unknown word {other}"),
        }
    }
    let code = code.unwrap_or_else(|| body.sign(&signer).to_string());

    let admission = || Admission { at: START - minutes(10), door: "Door B".to_owned() };
    let show = |cancelled, screen| DoorShow {
        screen: ScreenId(screen),
        title: "Monsoon".to_owned(),
        starts_at: START,
        ends_at: START + minutes(150),
        cancelled,
    };
    let in_book = |state| DoorTicket { show: ShowNumber(345), seat: "C12".to_owned(), generation: 1, state };
    let mut facts = DoorFacts::default();
    for word in &known {
        match *word {
            "show" => facts.show = Some(show(false, 2)),
            "moved-show" => facts.show = Some(show(false, 3)),
            "cancelled" => facts.show = Some(show(true, 2)),
            "live" => facts.ticket = Some(in_book(TicketState::Live)),
            "void" => facts.ticket = Some(in_book(TicketState::Void)),
            "void-requested" => facts.ticket = Some(in_book(TicketState::VoidRequested)),
            "live-for-C13" => facts.ticket = Some(DoorTicket { seat: "C13".to_owned(), ..in_book(TicketState::Live) }),
            "newer-generation" => facts.generation_max = Some(2),
            "same-generation" => facts.generation_max = Some(1),
            "admitted" => facts.admitted = Some(admission()),
            "seat-admitted" => facts.seat_admitted = Some((TicketId([8; 8]), admission())),
            "nothing" => {}
            other => panic!("unknown word {other}"),
        }
    }

    let mut door = Door { early: minutes(60), late: minutes(5), ..Door::to_all_screens(TheatreId(12)) };
    let (mut clock, mut guarantee) = (Clock { now: START, verified: true }, Guarantee::Solo);
    for word in &at {
        match *word {
            "SHARED" => guarantee = Guarantee::Shared,
            "SOLO" => guarantee = Guarantee::Solo,
            "STALE" => guarantee = Guarantee::Stale,
            "screen-1" => _ = door.screens.insert(ScreenId(1)),
            "screen-2" => _ = door.screens.insert(ScreenId(2)),
            "show-346" => _ = door.shows.insert(ShowNumber(346)),
            "show-345" => _ = door.shows.insert(ShowNumber(345)),
            "clock-unsure" => clock.verified = false,
            "61-min-before" => clock.now = START - minutes(61),
            "60-min-before" => clock.now = START - minutes(60),
            "at-the-end" => clock.now = START + minutes(155),
            "after-the-end" => clock.now = START + minutes(156),
            "years-before" => clock.now = START - minutes(60_000),
            other => panic!("unknown word {other}"),
        }
    }
    let look_up = |_: &TicketBody| Ok::<_, Infallible>(facts);
    match shared::admission::check(&code, &ring, &door, clock, guarantee, look_up) {
        Ok(verdict) => verdict,
        Err(never) => match never {},
    }
}

fn check(table: &str) {
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (given, expected) = row.split_once("->").expect("an arrow");
        let verdict = scan(given);
        assert_eq!(format!("{} {}", verdict.kind().word(), verdict.code), expected.trim(), "{row}");
    }
}

#[test]
fn a_genuine_ticket_is_admitted_even_where_little_is_known() {
    check(
        "central | show live      | SHARED -> admit ok
         edge    | show live      | SHARED -> admit ok
         central | show nothing   | SOLO   -> admit ok
         central | show nothing   | SHARED -> admit ok
         edge    | show nothing   | SOLO   -> admit ok
         edge    | nothing        | STALE  -> admit show_not_known
         central | nothing        | SHARED -> admit show_not_known
         central | show live same-generation | SOLO screen-1 screen-2 show-345 -> admit ok",
    );
}

#[test]
fn a_ticket_is_used_once_and_a_seat_is_taken_once() {
    check(
        "central | show live admitted      | SHARED -> already already_admitted
         central | nothing admitted        | SOLO   -> already already_admitted
         edge    | show nothing admitted   | SHARED -> already already_admitted
         central | show live seat-admitted | SHARED -> already seat_taken
         central | show live admitted      | SOLO after-the-end -> already already_admitted",
    );
}

#[test]
fn what_this_door_cannot_know_is_unknown_and_not_invalid() {
    check(
        "strange-key      | show live         | SOLO   -> unknown unknown_key
         later-format     | show live         | SHARED -> unknown upgrade_needed
         edge             | show nothing      | SHARED -> unknown not_in_book
         central          | show live-for-C13 | SOLO   -> unknown not_in_book
         central          | show              | SOLO years-before -> unknown unknown_key
         central          | show              | SOLO years-before clock-unsure -> admit ok",
    );
}

#[test]
fn false_foreign_and_ended_tickets_are_refused() {
    check(
        "garbage             | show live           | SHARED -> refuse malformed
         forged              | show live           | SHARED -> refuse bad_signature
         foreign strange-key | show                | SOLO   -> refuse wrong_theatre
         foreign             | show                | SOLO   -> refuse wrong_theatre
         central             | show void           | SOLO   -> refuse void
         central             | show void-requested | SOLO   -> refuse void
         central             | show void admitted  | SOLO   -> refuse void
         central             | show newer-generation | SOLO -> refuse superseded
         central             | cancelled live      | SOLO   -> refuse show_cancelled",
    );
}

#[test]
fn a_revoked_key_counts_only_where_the_list_has_the_ticket() {
    check(
        "central revoked-key | show live    | SOLO   -> admit ok
         central revoked-key | show nothing | SOLO   -> refuse revoked
         edge revoked-key    | show nothing | SHARED -> refuse revoked
         edge revoked-key    | show live-for-C13 | SHARED -> unknown not_in_book",
    );
}

#[test]
fn a_door_serves_its_screens_shows_and_hours() {
    check(
        "central | show live       | SOLO screen-1      -> refuse wrong_screen
         central | nothing         | SOLO screen-1      -> refuse wrong_screen
         central | moved-show live | SOLO screen-2      -> refuse wrong_screen
         central | show live       | SOLO show-346      -> refuse wrong_show
         central | show live       | SOLO 61-min-before -> refuse too_early
         central | show live       | SOLO 60-min-before -> admit ok
         central | show live       | SOLO at-the-end    -> admit ok
         central | show live       | SOLO after-the-end -> refuse too_late
         central | nothing         | SOLO 61-min-before -> refuse too_early
         central | show live       | SOLO 61-min-before clock-unsure -> admit ok
         central | show live       | SOLO after-the-end clock-unsure -> admit ok",
    );
}

#[test]
fn a_verdict_says_where_to_send_people() {
    let verdict = scan("central | show live | SOLO screen-1");
    assert_eq!(verdict.text(), "Wrong screen: send to Screen 2 →");
    let verdict = scan("central | moved-show live | SOLO screen-2");
    assert_eq!(verdict.text(), "Wrong screen: send to Screen 3 →");
    let verdict = scan("central | show live | SHARED");
    assert_eq!(verdict.text(), "Welcome: seat C12, Screen 2.");
    assert_eq!(verdict.title.as_deref(), Some("Monsoon"));
    let verdict = scan("central | show live admitted | SHARED");
    assert_eq!(verdict.first.map(|first| first.door).as_deref(), Some("Door B"));
    assert_eq!(scan("central | show live | SOLO 61-min-before").text(), "Too early: admission opens in 1 minute.");
    assert_eq!(scan("garbage | nothing | SOLO").seat, None);
}
