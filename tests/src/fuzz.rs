//! Fuzz targets as plain functions over bytes, and the mutator that drives them on the stock toolchain.
//!
//! A target panics where a decoder accepts what it should not, or changes what it read. A coverage-guided fuzzer can call the same
//! functions.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use shared::entry::{ENTRY_BYTES_MAX, Entry, Fact, Head, OpenedBy, SeatsAtEpoch, SoldSeat, TicketRef};
use shared::ids::{BookingId, ClaimId, Incarnation, RequestId, SeatId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{Certificate, Domain, Purpose, SecretKey};
use shared::ledger::Ledger;
use shared::refusal::Refusal;
use shared::ticket::{RowLabel, TicketBody, TicketCode, booking_code, has_booking_code, read_booking_code};
use shared::time::Timestamp;
use sync_protocol::envelope::{ENVELOPE_BYTES_MAX, Envelope};
use sync_protocol::message::{Ack, Batch, Cut, EntryBytes, Heartbeat, Hello, Message, ProtocolRange, Return, Want};

/// A target: any bytes may be given to it.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 6] = [
    ("entry", entry),
    ("fold", fold),
    ("envelope", envelope),
    ("ticket_code", ticket_code),
    ("certificate", certificate),
    ("short_code", short_code),
];

/// The booking of which the corpus has the short code.
const BOOKING: BookingId = BookingId([3; 16]);

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

/// An entry that decodes is within the limit and says the same when it is read again.
pub fn entry(bytes: &[u8]) {
    if let Ok(entry) = Entry::decode(bytes) {
        assert!(bytes.len() <= ENTRY_BYTES_MAX, "an entry over the limit was read");
        let again = entry.encode().expect("what was read can be written");
        assert_eq!(Entry::decode(&again), Ok(entry), "an entry says something else when it is read again");
    }
}

/// Whatever a signed entry says, folding it neither panics nor sells a seat to two tickets.
pub fn fold(bytes: &[u8]) {
    let Ok(entry) = Entry::decode(bytes) else { return };
    for writer in [Side::Central, Side::Edge] {
        let mut ledger = ledger();
        let before = ledger.digest();
        if ledger.apply(writer, 10, &entry).is_err() && !matches!(entry.fact, Fact::PlanPublished { .. }) {
            assert_eq!(ledger.digest(), before, "a refused fact has changed the state");
        }
        let mut seats: Vec<_> = ledger.tickets().map(|ticket| (ticket.at.show, ticket.at.seat)).collect();
        let count = seats.len();
        seats.sort_unstable();
        seats.dedup();
        assert_eq!(seats.len(), count, "two tickets for one seat");
    }
}

/// Only what the peer signed opens; the target signs the bytes itself too, so that decoding is reached.
pub fn envelope(bytes: &[u8]) {
    let (theatre, key) = (TheatreId(7), key());
    let strangers = Envelope::open(bytes, theatre, Side::Edge, &[SecretKey::from_seed(&[2; 32]).public()]);
    assert!(strangers.is_err(), "an envelope nobody signed was opened");
    let mut signed = vec![1];
    signed.extend_from_slice(bytes);
    let signature = key.sign(shared::keys::Domain::Envelope, &signed);
    signed.extend_from_slice(&signature);
    if let Ok(envelope) = Envelope::open(&signed, theatre, Side::Edge, &[key.public()]) {
        assert!(signed.len() <= ENVELOPE_BYTES_MAX, "an envelope over the limit was opened");
        let again = Envelope::open(&envelope.seal(&key), theatre, Side::Edge, &[key.public()]);
        assert_eq!(again, Ok(envelope), "an envelope says something else when it is opened again");
    }
}

/// A code that is read is the one text of its ticket, apart from case and surrounding space.
pub fn ticket_code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(ticket) = TicketCode::parse(text) {
        assert!(text.trim().len() <= 173, "a code over the limit was read");
        let written: Vec<char> = text.trim().to_ascii_uppercase().chars().collect();
        assert!(written.iter().all(|c| c.is_ascii_uppercase() || ('2'..='7').contains(c)));
        drop(ticket);
    }
}

/// Only what the root signed is a certificate, and it has one text; the target signs the bytes itself too, so that decoding is reached.
pub fn certificate(bytes: &[u8]) {
    let root = key();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let strangers = Certificate::read(text, &SecretKey::from_seed(&[2; 32]).public());
        assert!(strangers.is_err(), "a certificate was read that the root has not signed");
        if let Ok(read) = Certificate::read(text, &root.public()) {
            assert_eq!(read.sign(&root), text.trim().to_ascii_uppercase(), "a certificate with two texts");
        }
    }
    let signed = [bytes, &root.sign(Domain::Certificate, bytes)].concat();
    let text = data_encoding::BASE32_NOPAD.encode(&signed);
    if let Ok(read) = Certificate::read(&text, &root.public()) {
        assert_eq!(read.sign(&root), text, "a certificate with two texts");
    }
}

/// A short code that is read is eight of its letters, is read again as itself, and asks about bookings; nothing that is longer is one.
pub fn short_code(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let signs = text.chars().filter(|one| !one.is_whitespace() && *one != '-').count();
    let Some(code) = read_booking_code(text) else {
        return assert!(has_booking_code(text).is_none(), "a code that is none asks about bookings");
    };
    assert_eq!((signs, code.len()), (8, 8), "{text:?} was read as {code}");
    assert_eq!(read_booking_code(&code).as_ref(), Some(&code), "a code is read as another one");
    let asks = has_booking_code(&code).expect("a code asks about bookings");
    assert_eq!(asks(BOOKING), code == booking_code(BOOKING), "{code} and the booking");
}

/// A ledger with one show of eight seats, half at each side.
fn ledger() -> Ledger {
    let mut ledger = Ledger::new(Side::Central);
    for (seq, fact) in [(1, plan()), (2, Fact::ShowAdded(show(1)))] {
        let entry = Entry { at: shared::time::Timestamp(0), seen: 0, fact };
        ledger.apply(Side::Central, seq, &entry).expect("a plan and a show");
    }
    ledger
}

fn plan() -> Fact {
    let run =
        shared::seating::SeatRun { first: SeatId(1), number: 1, count: 8, category: 0, gap: 0, accessible: false };
    Fact::PlanPublished {
        screen: shared::ids::ScreenId(1),
        version: 1,
        categories: vec!["Gold".into()],
        rows: vec![shared::seating::Row { label: "A".into(), runs: vec![run] }],
        complete: true,
    }
}

/// A message of every kind.
fn messages(head: Head, entries: Vec<EntryBytes>) -> [Message; 7] {
    let cut = Cut { central: 3, edge: 4, digest: 5 };
    let hello = Hello {
        boot: 1,
        heard: true,
        own: head,
        applied: head,
        protocol: ProtocolRange::OURS,
        clock: Timestamp(5),
        can_sell: true,
        forked: Some(Side::Edge),
    };
    let want = Want { claim: ClaimId([2; 8]), show: ShowNumber(1), seats: vec![SeatId(1), SeatId(2)] };
    [
        Message::Hello(hello),
        Message::Heartbeat(Heartbeat { n: 1, echo: 2, answer: false, can_sell: true, cut }),
        Message::Ack(Ack { log: Side::Edge, head }),
        Message::Batch(Batch { log: Side::Central, before: head, entries }),
        Message::Claims(vec![want]),
        Message::ClaimsRefused(vec![(ClaimId([2; 8]), Refusal::SeatSold)]),
        Message::Return(Return { after: 7 }),
    ]
}

fn show(number: u32) -> shared::entry::ShowFacts {
    shared::entry::ShowFacts {
        number: ShowNumber(number),
        screen: shared::ids::ScreenId(1),
        movie: shared::ids::MovieId(1),
        title: "A film".into(),
        starts: number * 500,
        ends: number * 500 + 200,
        plan: 1,
        currency: shared::money::Currency::INR,
        prices: vec![20_000],
        edge_seats: vec![SeatsAtEpoch { first: SeatId(5), count: 4, epoch: 1 }],
    }
}

/// Well-formed inputs of a target, from which mutants are made.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let at = TicketRef { show: ShowNumber(1), seat: SeatId(1), generation: 0, ticket: TicketId([1; 8]) };
    let sold = |seat, epoch| SoldSeat { seat: SeatId(seat), epoch, generation: 0, ticket: TicketId([9; 8]), price: 1 };
    let run = |first, epoch| SeatsAtEpoch { first: SeatId(first), count: 2, epoch };
    let head = Head { incarnation: Incarnation(5), seq: 3, hash: shared::entry::Hash([6; 32]) };
    let box_key = key().key_id();
    let (booking, request, show_number) = (BookingId([3; 16]), RequestId([4; 8]), ShowNumber(1));
    let facts = vec![
        Fact::Sold { show: show_number, booking, request, seats: vec![sold(1, 0), sold(2, 0)] },
        Fact::Sold { show: show_number, booking, request, seats: vec![sold(5, 1)] },
        Fact::HandedOver { show: show_number, runs: vec![run(1, 0), run(3, 0)], claim: None },
        Fact::SeatWithheld { show: show_number, runs: vec![run(5, 1)], withheld: true },
        Fact::SeatReleased { show: show_number, seat: SeatId(1), epoch: 0, generation: 0 },
        Fact::ShowAdded(show(2)),
        Fact::ShowAdded(shared::entry::ShowFacts { number: ShowNumber(3 | ShowNumber::EDGE_BIT), ..show(2) }),
        Fact::ShowCancelled { show: show_number },
        Fact::PriceSet { show: show_number, category: 0, price: 5 },
        Fact::ShowClosed { show: show_number, digest: 7 },
        Fact::KeyCertified { certificate: vec![1, 2, 3] },
        Fact::Admitted { ticket: at, at: Timestamp(5), door: "Door A".into() },
        Fact::Voided(at),
        Fact::VoidRequested(at),
        Fact::VoidAccepted(at),
        Fact::VoidRefused(at),
        Fact::LogOpened { incarnation: Incarnation(5), parent: Some(head), by: OpenedBy::TwoPersons },
        plan(),
        Fact::KeyRevoked { key: box_key },
        Fact::UnknownSettled { show: show_number, runs: vec![run(5, 1)] },
        Fact::TicketFound { show: show_number, booking, seat: sold(5, 1) },
        Fact::BoxRetired { key: box_key, head },
        Fact::SeatsTaken { show: show_number, runs: vec![run(5, 1)] },
        Fact::BoxReplaced { key: box_key },
    ];
    let entries = facts.into_iter().filter_map(|fact| Entry { at: Timestamp(1), seen: 2, fact }.encode().ok());
    match target {
        "entry" | "fold" => entries.collect(),
        "envelope" => {
            let entries: Vec<_> = entries.map(EntryBytes).collect();
            let sealed = messages(head, entries).map(|message| {
                Envelope { theatre: TheatreId(7), from: Side::Edge, from_nonce: 8, to_nonce: 9, message }.seal(&key())
            });
            // Without version and signature, which the target adds.
            sealed.iter().map(|bytes| bytes[1..bytes.len() - 64].to_vec()).chain(sealed.clone()).collect()
        }
        "certificate" => {
            let certificate = Certificate {
                public_key: SecretKey::from_seed(&[3; 32]).public(),
                theatre: TheatreId(300),
                side: Side::Edge,
                valid_from: Timestamp(0),
                valid_until: Timestamp(60_000_000),
                purpose: Purpose::TicketsAndLink,
            };
            let text = certificate.sign(&key());
            let signed = data_encoding::BASE32_NOPAD.decode(text.as_bytes()).expect("Base32");
            // With its signature as text, and without it, which the target adds.
            vec![signed[..signed.len() - 64].to_vec(), text.into_bytes()]
        }
        "short_code" => {
            let code = booking_code(BOOKING);
            let halves = format!(" {}-{} ", &code[..4], code[4..].to_lowercase());
            vec![code.into_bytes(), halves.into_bytes(), "\u{a0}23456789\u{2003}".into()]
        }
        _ => {
            let body = TicketBody {
                ticket: TicketId([1; 8]),
                theatre: TheatreId(7),
                show: ShowNumber(1),
                screen: shared::ids::ScreenId(1),
                row: RowLabel::new("A").expect("a row label"),
                number: 12,
                generation: 0,
                valid_from: Timestamp(0),
                valid_until: Timestamp(60_000),
            };
            vec![body.sign(&key()).to_string().into_bytes(), b"  mfrgg ".to_vec()]
        }
    }
}

/// Runs a target on the corpus and on that many mutants of it, the same for the same seed.
pub fn drive(name: &str, mut target: impl FnMut(&[u8]), mutants: u64, seed: u64) {
    let corpus = corpus(name);
    corpus.iter().for_each(|bytes| target(bytes));
    let mut random = StdRng::seed_from_u64(seed);
    for _ in 0..mutants {
        let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(1..=4) {
            mutate(&mut bytes, &corpus, &mut random);
        }
        target(&bytes);
    }
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut StdRng) {
    let at = random.random_range(0..=bytes.len());
    match random.random_range(0..7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        1 if at < bytes.len() => bytes[at] = random.random(),
        2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.random_range(0..5)],
        3 => bytes.truncate(at),
        4 => bytes.insert(at, random.random()),
        5 => {
            let other = &corpus[random.random_range(0..corpus.len())];
            bytes.truncate(at);
            bytes.extend_from_slice(&other[random.random_range(0..=other.len())..]);
        }
        _ => {
            let end = random.random_range(at..=bytes.len());
            let repeated: Vec<u8> = bytes[at..end].repeat(random.random_range(1..=3));
            bytes.splice(at..at, repeated);
        }
    }
    bytes.truncate(ENVELOPE_BYTES_MAX + 64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_corpus_holds_every_kind_of_entry_and_of_message() {
        let kinds = |names: &[&'static str]| names.iter().copied().collect::<BTreeSet<_>>();
        for target in ["entry", "fold"] {
            let read = corpus(target).iter().map(|bytes| Entry::decode(bytes).expect("an entry").fact.kind()).collect();
            assert_eq!(kinds(&Fact::KINDS), read, "{target}");
        }
        let open = |bytes: &Vec<u8>| Envelope::open(bytes, TheatreId(7), Side::Edge, &[key().public()]).ok();
        let sealed = corpus("envelope");
        let read = sealed.iter().filter_map(open).map(|envelope| envelope.message.kind()).collect();
        assert_eq!(kinds(&Message::KINDS), read);
    }

    #[test]
    fn the_corpus_reaches_what_it_is_meant_for() {
        let [unsigned, text] = &corpus("certificate")[..] else { panic!("two inputs") };
        let root = key();
        let read = Certificate::read(std::str::from_utf8(text).expect("text"), &root.public());
        let signed = [&unsigned[..], &root.sign(Domain::Certificate, unsigned)].concat();
        assert_eq!(read, Certificate::read(&data_encoding::BASE32_NOPAD.encode(&signed), &root.public()));
        assert!(read.is_ok(), "{read:?}");
        for code in corpus("short_code") {
            let text = String::from_utf8(code).expect("text");
            assert!(read_booking_code(&text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn no_mutant_gets_past_a_decoder() {
        for (name, target) in TARGETS {
            drive(name, target, 20_000, 1);
        }
    }
}
