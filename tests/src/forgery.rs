//! Forged tickets: every way to write a ticket code without the key, tried in great number against the check that all doors share.
//!
//! Nothing may be admitted but the texts that were issued, in whatever case and with white space around them.

use data_encoding::BASE32_NOPAD;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use shared::admission::{Clock, Door, DoorFacts, DoorShow, Guarantee, VerdictKind, check};
use shared::ids::{KeyId, ScreenId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{Certificate, Domain, KeyRing, Purpose, SIGNATURE_BYTES, SecretKey};
use shared::ticket::{RowLabel, TicketBody};
use shared::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

const NOW: Timestamp = Timestamp(29_900_000 * 60_000);
const THEATRE: TheatreId = TheatreId(12);
/// Where a payload has the key id, and where the ticket id.
const KEY_ID: std::ops::Range<usize> = 1..5;
/// The order of the group, little-endian: a signature stays the same equation when it is added to S.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];
/// Points of small order in every encoding: as a key or as R they make one signature pass for many texts where nobody looks.
const SMALL_ORDER: [&[u8; 64]; 14] = [
    b"0000000000000000000000000000000000000000000000000000000000000000",
    b"0000000000000000000000000000000000000000000000000000000000000080",
    b"0100000000000000000000000000000000000000000000000000000000000000",
    b"0100000000000000000000000000000000000000000000000000000000000080",
    b"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    b"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    b"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    b"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    b"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    b"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    b"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    b"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    b"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    b"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
];

/// How one kind of mutant fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fared {
    /// How many were shown at the door.
    pub shown: u64,
    /// How many were let in that nobody had issued.
    pub admitted: u64,
    /// How many came out as a text that had been issued: no forgery.
    pub genuine: u64,
}

/// A theatre's keys, and genuine tickets to begin with.
struct Office {
    ring: KeyRing,
    keys: [SecretKey; 2],
    stranger: SecretKey,
    issued: Vec<String>,
    texts: BTreeSet<String>,
}

impl Office {
    fn open() -> Self {
        let root = SecretKey::from_seed(&[1; 32]);
        let [central, edge, stranger] = [2, 3, 4].map(|seed| SecretKey::from_seed(&[seed; 32]));
        let mut ring = KeyRing::new(root.public(), THEATRE);
        for (key, side) in [(&central, Side::Central), (&edge, Side::Edge)] {
            let certificate = Certificate {
                public_key: key.public(),
                theatre: THEATRE,
                side,
                valid_from: NOW - std::time::Duration::from_secs(86_400),
                valid_until: NOW + std::time::Duration::from_secs(86_400),
                purpose: Purpose::TicketsAndLink,
            };
            ring.add(&certificate.sign(&root)).expect("a certificate of the root");
        }
        let issue = |key: &SecretKey, n: u8| body(n).sign(key).to_string();
        let issued: Vec<String> = (0..32).flat_map(|n| [issue(&central, n), issue(&edge, n ^ 0x80)]).collect();
        let texts = issued.iter().cloned().collect();
        Self { ring, keys: [central, edge], stranger, issued, texts }
    }

    fn show(&self, text: &str, fared: &mut Fared) {
        fared.shown += 1;
        let facts = DoorFacts {
            show: Some(DoorShow {
                screen: ScreenId(2),
                title: "Sholay".into(),
                starts_at: NOW,
                ends_at: NOW + std::time::Duration::from_secs(7200),
                cancelled: false,
            }),
            ..DoorFacts::default()
        };
        let (door, clock) = (Door::to_all_screens(THEATRE), Clock { now: NOW, verified: true });
        let look_up = |_: &TicketBody| Ok::<_, Infallible>(facts);
        let verdict = match check(text, &self.ring, &door, clock, Guarantee::Solo, look_up) {
            Ok(verdict) => verdict,
            Err(never) => match never {},
        };
        if self.texts.contains(&text.trim().to_ascii_uppercase()) {
            fared.genuine += 1;
            assert_eq!(verdict.kind(), VerdictKind::Admit, "a genuine ticket was answered {}", verdict.code);
        } else if verdict.kind() == VerdictKind::Admit {
            fared.admitted += 1;
        }
    }
}

fn body(n: u8) -> TicketBody {
    TicketBody {
        ticket: TicketId([n; 8]),
        theatre: THEATRE,
        show: ShowNumber(345),
        screen: ScreenId(2),
        row: RowLabel::new("C").expect("a row label"),
        number: u16::from(n) + 1,
        generation: 0,
        valid_from: NOW,
        valid_until: NOW + std::time::Duration::from_secs(7200),
    }
}

type Forge = fn(&Office, &[u8], &mut StdRng) -> Vec<u8>;

/// Every way, by name. Each takes the bytes of a genuine ticket.
const WAYS: [(&str, Forge); 11] = [
    ("bit flips", flip),
    ("bytes swapped", swap),
    ("truncated", truncate),
    ("bytes appended", append),
    ("another key id", other_key_id),
    ("another ticket's signature", other_signature),
    ("a stranger's signature", stranger),
    ("another domain's signature", other_domain),
    ("small-order points", small_order),
    ("S + L", plus_order),
    ("random bytes", random),
];

fn flip(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = random.random_range(0..bytes.len());
        bytes[at] ^= 1 << random.random_range(0..8);
    }
    bytes
}

fn swap(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    let (a, b) = (random.random_range(0..bytes.len()), random.random_range(0..bytes.len()));
    bytes.swap(a, b);
    bytes
}

fn truncate(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    let (at, count) = (random.random_range(0..bytes.len()), random.random_range(1..=8));
    bytes.drain(at..(at + count).min(ticket.len()));
    bytes
}

fn append(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    // At the end, or between payload and signature.
    let at = if random.random() { bytes.len() } else { bytes.len() - SIGNATURE_BYTES };
    for _ in 0..random.random_range(1..=8) {
        bytes.insert(at, random.random());
    }
    bytes
}

fn other_key_id(office: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let own = KeyId(ticket[KEY_ID].try_into().expect("four bytes"));
    let [central, edge] = [0, 1].map(|n: usize| office.keys[n].key_id());
    let other = if own == central { edge } else { central };
    let id = *[other, office.stranger.key_id(), KeyId(random.random())].choose(random).expect("three ids");
    let mut bytes = ticket.to_vec();
    bytes[KEY_ID].copy_from_slice(&id.0);
    bytes
}

fn other_signature(office: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let other = BASE32_NOPAD.decode(office.issued.choose(random).expect("tickets").as_bytes()).expect("Base32");
    [&ticket[..ticket.len() - SIGNATURE_BYTES], &other[other.len() - SIGNATURE_BYTES..]].concat()
}

/// A ticket nobody issued, under the id of a key that is believed, signed with one that is not.
fn stranger(office: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut payload = ticket[..ticket.len() - SIGNATURE_BYTES].to_vec();
    payload[5..13].copy_from_slice(&random.random::<[u8; 8]>());
    if random.random() {
        payload[KEY_ID].copy_from_slice(&office.stranger.key_id().0);
    }
    let signature = office.stranger.sign(Domain::Ticket, &payload);
    [&payload[..], &signature].concat()
}

fn other_domain(office: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let payload = &ticket[..ticket.len() - SIGNATURE_BYTES];
    let domain =
        *[Domain::Certificate, Domain::Envelope, Domain::Head, Domain::Till].choose(random).expect("four domains");
    let key = office.keys.choose(random).expect("two keys");
    [payload, &key.sign(domain, payload)].concat()
}

fn small_order(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let point = |random: &mut StdRng| {
        let hex = SMALL_ORDER.choose(random).expect("points");
        data_encoding::HEXLOWER.decode(hex.as_slice()).expect("hex")
    };
    let mut bytes = ticket.to_vec();
    let signature = bytes.len() - SIGNATURE_BYTES;
    bytes[signature..signature + 32].copy_from_slice(&point(random));
    match random.random_range(0..3) {
        0 => bytes[signature + 32..].fill(0),
        1 => bytes[signature + 32..].copy_from_slice(&ORDER),
        _ => {}
    }
    if random.random() {
        // The id of a key that is no key.
        let id = blake3::hash(&point(random));
        bytes[KEY_ID].copy_from_slice(&id.as_bytes()[..4]);
    }
    bytes
}

fn plus_order(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    let s = bytes.len() - 32;
    for _ in 0..random.random_range(1..=7) {
        let mut carry = 0;
        for (byte, order) in bytes[s..].iter_mut().zip(ORDER) {
            let sum = u16::from(*byte) + u16::from(order) + carry;
            (*byte, carry) = (sum as u8, sum >> 8);
        }
    }
    bytes
}

fn random(_: &Office, ticket: &[u8], random: &mut StdRng) -> Vec<u8> {
    let mut bytes = ticket.to_vec();
    // Under a payload that is well-formed, or all of it.
    let from = if random.random() { bytes.len() - SIGNATURE_BYTES } else { 0 };
    random.fill(&mut bytes[from..]);
    bytes
}

/// Shows that many mutants at a door, the same for the same seed. Every seventh is mutated again as a text.
pub fn drive(mutants: u64, seed: u64) -> BTreeMap<&'static str, Fared> {
    let office = Office::open();
    let mut random = StdRng::seed_from_u64(seed);
    let mut fared = BTreeMap::new();
    for n in 0..mutants {
        let (way, forge) = WAYS[(n % WAYS.len() as u64) as usize];
        let ticket = office.issued.choose(&mut random).expect("tickets");
        let bytes = forge(&office, &BASE32_NOPAD.decode(ticket.as_bytes()).expect("Base32"), &mut random);
        let mut text = BASE32_NOPAD.encode(&bytes);
        if n % 7 == 0 {
            mutate_text(&mut text, &mut random);
        }
        office.show(&text, fared.entry(way).or_default());
    }
    fared
}

fn mutate_text(text: &mut String, random: &mut StdRng) {
    let at = random.random_range(0..=text.len());
    match random.random_range(0..5) {
        0 => text.truncate(at),
        1 => text.insert(at, char::from(*b"A2 =i0".choose(random).expect("characters"))),
        2 => *text = text.to_ascii_lowercase(),
        3 => text.push_str(&" ".repeat(random.random_range(1..70))),
        _ => *text = text.chars().rev().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_forged_ticket_is_admitted() {
        let fared = drive(22_000, 1);
        assert_eq!(fared.len(), WAYS.len());
        for (way, Fared { shown, admitted, genuine }) in fared {
            assert_eq!(admitted, 0, "{way}");
            // Nothing would be shown by mutants that are no mutants.
            assert!(shown >= 2_000 && genuine < shown / 20, "{way}: {genuine} of {shown} are genuine");
        }
    }

    #[test]
    fn a_genuine_ticket_is_admitted_by_the_same_check() {
        let office = Office::open();
        let mut fared = Fared::default();
        office.issued.iter().for_each(|text| office.show(text, &mut fared));
        assert_eq!(fared, Fared { shown: 64, admitted: 0, genuine: 64 });
    }

    #[test]
    fn no_point_of_small_order_becomes_a_key() {
        for point in SMALL_ORDER {
            let text = std::str::from_utf8(point).expect("hex");
            assert!(shared::keys::PublicKey::from_hex(text).is_err(), "{text}");
        }
    }
}
