//! The wire: whatever a program can say is read back as it was said, and no length that anybody states makes a reader allocate.

use proptest::collection::vec;
use proptest::prelude::*;
use shared::entry::{ENTRY_BYTES_MAX, Entry, Fact, Hash, Head, OpenedBy, SeatsAtEpoch, ShowFacts, SoldSeat, TicketRef};
use shared::ids::{
    BookingId, ClaimId, Incarnation, MovieId, RequestId, ScreenId, SeatId, ShowNumber, Side, TheatreId, TicketId,
};
use shared::keys::{Domain, SecretKey};
use shared::money::Currency;
use shared::refusal::Refusal;
use shared::seating::{Row, SeatRun};
use shared::time::Timestamp;
use sync_protocol::envelope::{BadEnvelope, ENVELOPE_BYTES_MAX, Envelope};
use sync_protocol::message::{Ack, Batch, Cut, EntryBytes, Heartbeat, Hello, Message, ProtocolRange, Return, Want};

const THEATRE: TheatreId = TheatreId(7);

fn key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Central), Just(Side::Edge)]
}

fn head() -> impl Strategy<Value = Head> {
    let parts = (any::<u64>(), any::<u64>(), any::<[u8; 32]>());
    parts.prop_map(|(incarnation, seq, hash)| Head { incarnation: Incarnation(incarnation), seq, hash: Hash(hash) })
}

fn time() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp)
}

fn runs() -> impl Strategy<Value = Vec<SeatsAtEpoch>> {
    let run = (any::<u32>(), any::<u16>(), any::<u32>());
    vec(run.prop_map(|(first, count, epoch)| SeatsAtEpoch { first: SeatId(first), count, epoch }), 0..20)
}

fn ticket() -> impl Strategy<Value = TicketRef> {
    let parts = (any::<u32>(), any::<u32>(), any::<u16>(), any::<[u8; 8]>());
    parts.prop_map(|(show, seat, generation, ticket)| TicketRef {
        show: ShowNumber(show),
        seat: SeatId(seat),
        generation,
        ticket: TicketId(ticket),
    })
}

fn sold() -> impl Strategy<Value = SoldSeat> {
    let parts = (any::<u32>(), any::<u32>(), any::<u16>(), any::<[u8; 8]>(), any::<u32>());
    parts.prop_map(|(seat, epoch, generation, ticket, price)| SoldSeat {
        seat: SeatId(seat),
        epoch,
        generation,
        ticket: TicketId(ticket),
        price,
    })
}

fn row() -> impl Strategy<Value = Row> {
    let run = (any::<u32>(), any::<u16>(), any::<u16>(), any::<u8>(), any::<u8>(), any::<bool>());
    let run = run.prop_map(|(first, number, count, category, gap, accessible)| SeatRun {
        first: SeatId(first),
        number,
        count,
        category,
        gap,
        accessible,
    });
    ("[A-Z]{1,3}", vec(run, 0..4)).prop_map(|(label, runs)| Row { label, runs })
}

fn show() -> impl Strategy<Value = ShowFacts> {
    let parts = (any::<[u32; 4]>(), any::<u8>(), any::<u16>(), ".{0,40}", vec(any::<u32>(), 0..5), runs());
    parts.prop_map(|([number, movie, starts, ends], screen, plan, title, prices, edge_seats)| ShowFacts {
        number: ShowNumber(number),
        screen: ScreenId(screen),
        movie: MovieId(movie),
        title,
        starts,
        ends,
        plan,
        currency: Currency::INR,
        prices,
        edge_seats,
    })
}

/// A fact of any kind. That none is left out is a test below.
fn fact() -> impl Strategy<Value = Fact> {
    let number = || any::<u32>().prop_map(ShowNumber);
    let by = prop_oneof![
        Just(OpenedBy::First),
        Just(OpenedBy::Peer),
        Just(OpenedBy::TwoPersons),
        Just(OpenedBy::ManagerPin)
    ];
    let plan = (any::<u8>(), any::<u16>(), vec(".{0,12}", 0..3), vec(row(), 0..6), any::<bool>());
    let (booking, request) = (any::<[u8; 16]>().prop_map(BookingId), any::<[u8; 8]>().prop_map(RequestId));
    prop_oneof![
        (any::<u64>(), proptest::option::of(head()), by).prop_map(|(incarnation, parent, by)| Fact::LogOpened {
            incarnation: Incarnation(incarnation),
            parent,
            by
        }),
        plan.prop_map(|(screen, version, categories, rows, complete)| Fact::PlanPublished {
            screen: ScreenId(screen),
            version,
            categories,
            rows,
            complete
        }),
        show().prop_map(Fact::ShowAdded),
        (number(), any::<u8>(), any::<u32>()).prop_map(|(show, category, price)| Fact::PriceSet {
            show,
            category,
            price
        }),
        number().prop_map(|show| Fact::ShowCancelled { show }),
        (number(), any::<u128>()).prop_map(|(show, digest)| Fact::ShowClosed { show, digest }),
        vec(any::<u8>(), 0..300).prop_map(|certificate| Fact::KeyCertified { certificate }),
        any::<[u8; 4]>().prop_map(|key| Fact::KeyRevoked { key: shared::ids::KeyId(key) }),
        (number(), runs(), proptest::option::of(any::<[u8; 8]>())).prop_map(|(show, runs, claim)| Fact::HandedOver {
            show,
            runs,
            claim: claim.map(ClaimId)
        }),
        (number(), booking.clone(), request, vec(sold(), 0..11))
            .prop_map(|(show, booking, request, seats)| { Fact::Sold { show, booking, request, seats } }),
        ticket().prop_map(Fact::Voided),
        ticket().prop_map(Fact::VoidRequested),
        ticket().prop_map(Fact::VoidAccepted),
        ticket().prop_map(Fact::VoidRefused),
        ticket().prop_flat_map(|at| any::<u32>().prop_map(move |epoch| Fact::SeatReleased {
            show: at.show,
            seat: at.seat,
            epoch,
            generation: at.generation
        })),
        (number(), runs(), any::<bool>()).prop_map(|(show, runs, withheld)| Fact::SeatWithheld {
            show,
            runs,
            withheld
        }),
        (ticket(), time(), ".{0,40}").prop_map(|(ticket, at, door)| Fact::Admitted { ticket, at, door }),
        (number(), runs()).prop_map(|(show, runs)| Fact::UnknownSettled { show, runs }),
        (number(), booking, sold()).prop_map(|(show, booking, seat)| Fact::TicketFound { show, booking, seat }),
        (any::<[u8; 4]>(), head()).prop_map(|(key, head)| Fact::BoxRetired { key: shared::ids::KeyId(key), head }),
        (number(), runs()).prop_map(|(show, runs)| Fact::SeatsTaken { show, runs }),
        any::<[u8; 4]>().prop_map(|key| Fact::BoxReplaced { key: shared::ids::KeyId(key) }),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    (time(), any::<u64>(), fact()).prop_map(|(at, seen, fact)| Entry { at, seen, fact })
}

fn cut() -> impl Strategy<Value = Cut> {
    (any::<u64>(), any::<u64>(), any::<u128>()).prop_map(|(central, edge, digest)| Cut { central, edge, digest })
}

/// A message of any kind. That none is left out is a test below.
fn message() -> impl Strategy<Value = Message> {
    let hello = (any::<u64>(), any::<[bool; 2]>(), head(), head(), time(), proptest::option::of(side()));
    let want = (any::<[u8; 8]>(), any::<u32>(), vec(any::<u32>().prop_map(SeatId), 0..64));
    let want = want.prop_map(|(claim, show, seats)| Want { claim: ClaimId(claim), show: ShowNumber(show), seats });
    let refusal = proptest::sample::select(Refusal::ALL);
    let entries = vec(entry(), 0..8)
        .prop_map(|entries| entries.iter().filter_map(|entry| entry.encode().ok()).map(EntryBytes).collect());
    prop_oneof![
        hello.prop_map(|(boot, [heard, can_sell], own, applied, clock, forked)| Message::Hello(Hello {
            boot,
            heard,
            own,
            applied,
            protocol: ProtocolRange::OURS,
            clock,
            can_sell,
            forked
        })),
        (any::<[u32; 2]>(), any::<[bool; 2]>(), cut()).prop_map(|([n, echo], [answer, can_sell], cut)| {
            Message::Heartbeat(Heartbeat { n, echo, answer, can_sell, cut })
        }),
        (side(), head()).prop_map(|(log, head)| Message::Ack(Ack { log, head })),
        (side(), head(), entries).prop_map(|(log, before, entries)| Message::Batch(Batch { log, before, entries })),
        vec(want, 0..8).prop_map(Message::Claims),
        vec((any::<[u8; 8]>().prop_map(ClaimId), refusal), 0..20).prop_map(Message::ClaimsRefused),
        any::<u64>().prop_map(|after| Message::Return(Return { after })),
    ]
}

fn envelope() -> impl Strategy<Value = Envelope> {
    (any::<u64>(), any::<u64>(), message()).prop_map(|(from_nonce, to_nonce, message)| Envelope {
        theatre: THEATRE,
        from: Side::Edge,
        from_nonce,
        to_nonce,
        message,
    })
}

fn open(bytes: &[u8]) -> Result<Envelope, BadEnvelope> {
    Envelope::open(bytes, THEATRE, Side::Edge, &[key().public()])
}

/// A body that the peer signed, whatever it says.
fn signed(body: &[u8]) -> Vec<u8> {
    let mut bytes = [&[1], body].concat();
    bytes.extend_from_slice(&key().sign(Domain::Envelope, &bytes));
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn every_entry_reads_back_as_it_was_written(entry in entry()) {
        match entry.encode() {
            Ok(bytes) => {
                prop_assert!(bytes.len() <= ENTRY_BYTES_MAX);
                prop_assert_eq!(Entry::decode(&bytes), Ok(entry));
                prop_assert!(Entry::decode(&bytes[..bytes.len() - 1]).is_err(), "cut short");
                prop_assert!(Entry::decode(&[&bytes[..], &[0]].concat()).is_err(), "with a rest");
            }
            Err(_) => prop_assert!(matches!(entry.fact, Fact::PlanPublished { .. } | Fact::ShowAdded(_)), "too long"),
        }
    }

    #[test]
    fn every_message_reads_back_as_it_was_said(envelope in envelope()) {
        let bytes = envelope.seal(&key());
        let read = open(&bytes);
        match bytes.len() {
            ..=ENVELOPE_BYTES_MAX => prop_assert_eq!(read, Ok(envelope)),
            long => prop_assert_eq!(read, Err(BadEnvelope::Length(long))),
        }
    }

    #[test]
    fn what_the_peer_signs_is_read_or_refused_and_says_the_same_again(body in vec(any::<u8>(), 0..400)) {
        if let Ok(envelope) = open(&signed(&body)) {
            prop_assert_eq!(open(&envelope.seal(&key())), Ok(envelope));
        }
    }

    /// One byte of a message is bent before it is signed: lengths among them. Whatever comes of it is no larger than its bytes.
    #[test]
    fn a_bent_length_never_gives_more_than_the_bytes_that_are_there(
        envelope in envelope(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let sealed = envelope.seal(&key());
        let mut body = sealed[1..sealed.len() - 64].to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        if let Ok(envelope) = open(&signed(&body)) {
            let said = match envelope.message {
                Message::Batch(batch) => batch.entries.iter().map(|entry| entry.0.len() + 1).sum(),
                Message::Claims(wants) => wants.iter().map(|want| want.seats.len() + want.claim.0.len()).sum(),
                Message::ClaimsRefused(refused) => refused.len(),
                _ => 0,
            };
            prop_assert!(said <= body.len(), "{said} of {}", body.len());
        }
    }
}

/// A list that states more elements than there are bytes is refused before room for them is made.
#[test]
fn a_stated_length_is_never_believed() {
    // Theatre, side, both nonces, then the message's kind and the length of its list, as postcard writes them.
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    let frame = [7, 1, 5, 6];
    let head = [[0; 1].as_slice(), &[0], &[0; 32]].concat();
    for (kind, before) in [(3, [&[0][..], &head].concat()), (4, Vec::new()), (5, Vec::new())] {
        let body = [&frame[..], &[kind], &before, &huge].concat();
        assert_eq!(open(&signed(&body)), Err(BadEnvelope::Malformed), "kind {kind}");
    }
    // Of entries: the runs of a handover, the seats of a sale, the bytes of a certificate, a title.
    for fact in [vec![8, 1], [&[9, 1][..], &[0; 24]].concat(), vec![6], vec![2, 1, 1, 1]] {
        let bytes = [&[1, 0, 0][..], &fact, &huge].concat();
        assert!(Entry::decode(&bytes).is_err(), "{fact:?}");
    }
}

/// Zeros are a lawful content of every kind but the show, whose currency has letters; and there is none that a list leaves out.
#[test]
fn the_lists_name_every_kind_there_is() {
    let entry = |kind: usize| {
        let bodies = (0..120).map(|zeros| [vec![1, 0, 0, kind as u8], vec![0; zeros]].concat());
        bodies.filter_map(|bytes| Entry::decode(&bytes).ok()).map(|entry| entry.fact.kind()).next()
    };
    let message = |kind: usize| {
        let bodies = (0..100).map(|zeros| signed(&[vec![7, 1, 0, 0, kind as u8], vec![0; zeros]].concat()));
        bodies.filter_map(|bytes| open(&bytes).ok()).map(|envelope| envelope.message.kind()).next()
    };
    let facts: Vec<_> = (0..100).filter_map(entry).collect();
    let messages: Vec<_> = (0..12).filter_map(message).collect();
    let expected: Vec<_> = Fact::KINDS.into_iter().filter(|kind| *kind != "ShowAdded").collect();
    assert_eq!((facts, messages), (expected, Message::KINDS.to_vec()));
}

#[test]
fn the_strategies_make_every_kind() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut facts, mut messages) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    for _ in 0..2_000 {
        facts.insert(fact().new_tree(&mut runner).expect("a fact").current().kind());
        messages.insert(message().new_tree(&mut runner).expect("a message").current().kind());
    }
    assert_eq!(facts, Fact::KINDS.iter().copied().collect());
    assert_eq!(messages, Message::KINDS.iter().copied().collect());
}
