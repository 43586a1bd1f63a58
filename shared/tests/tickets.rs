//! The ticket code: fixed vectors that every program must reproduce byte for byte, and properties.

use proptest::prelude::*;
use shared::ids::{ScreenId, ShowNumber, Side, TheatreId, TicketId};
use shared::keys::{BadSigner, BadText, Certificate, Domain, KeyRing, Purpose, SecretKey};
use shared::ticket::{BadCode, RowLabel, TICKET_BYTES_MAX, TicketBody, TicketCode};
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp(29_900_000 * 60_000);

fn certificate(key: &SecretKey, theatre: TheatreId) -> Certificate {
    Certificate {
        public_key: key.public(),
        theatre,
        side: Side::Central,
        valid_from: Timestamp::from_minutes(29_800_000),
        valid_until: Timestamp::from_minutes(30_000_000),
        purpose: Purpose::TicketsAndLink,
    }
}

fn ring(root: &SecretKey, key: &SecretKey, theatre: TheatreId) -> KeyRing {
    let mut ring = KeyRing::new(root.public(), theatre);
    ring.add(&certificate(key, theatre).sign(root)).expect("certificate");
    ring
}

fn largest() -> TicketBody {
    TicketBody {
        ticket: TicketId([0xff; 8]),
        theatre: TheatreId(u32::MAX),
        show: ShowNumber(u32::MAX),
        screen: ScreenId(u8::MAX),
        row: RowLabel::new("ZZZ").expect("row"),
        number: u16::MAX,
        generation: u16::MAX,
        valid_from: Timestamp::from_minutes(u32::MAX),
        valid_until: Timestamp::from_minutes(u32::MAX),
    }
}

fn body() -> impl Strategy<Value = TicketBody> {
    let row = "[A-Za-z0-9]{1,3}".prop_map(|label| RowLabel::new(&label).expect("row"));
    let place = (any::<u32>(), any::<u32>(), any::<u8>(), row, any::<u16>());
    (any::<[u8; 8]>(), place, any::<u16>(), any::<u32>(), any::<u32>()).prop_map(
        |(ticket, (theatre, show, screen, row, number), generation, from, until)| TicketBody {
            ticket: TicketId(ticket),
            theatre: TheatreId(theatre),
            show: ShowNumber(show),
            screen: ScreenId(screen),
            row,
            number,
            generation,
            valid_from: Timestamp::from_minutes(from),
            valid_until: Timestamp::from_minutes(until),
        },
    )
}

fn vectors() -> serde_json::Value {
    serde_json::from_str(include_str!("vectors/tickets.json")).expect("vectors are JSON")
}

fn seed(value: &serde_json::Value) -> SecretKey {
    let bytes = data_encoding::HEXLOWER.decode(value.as_str().expect("hex").as_bytes()).expect("hex");
    SecretKey::from_seed(&bytes.try_into().expect("32 bytes"))
}

fn number(value: &serde_json::Value) -> u32 {
    value.as_u64().and_then(|number| number.try_into().ok()).expect("a number")
}

fn body_of(vector: &serde_json::Value) -> TicketBody {
    TicketBody {
        ticket: vector["ticket"].as_str().expect("ticket").parse().expect("ticket id"),
        theatre: TheatreId(number(&vector["theatre"])),
        show: ShowNumber(number(&vector["show"])),
        screen: ScreenId(number(&vector["screen"]) as u8),
        row: RowLabel::new(vector["row"].as_str().expect("row")).expect("row label"),
        number: number(&vector["number"]) as u16,
        generation: number(&vector["generation"]) as u16,
        valid_from: Timestamp::from_minutes(number(&vector["valid_from"])),
        valid_until: Timestamp::from_minutes(number(&vector["valid_until"])),
    }
}

#[test]
fn every_vector_is_written_and_read_byte_for_byte() {
    let vectors = vectors();
    let (root, key) = (seed(&vectors["root_seed"]), seed(&vectors["issuing_seed"]));
    assert_eq!(key.key_id().to_string(), vectors["key_id"]);
    for vector in vectors["tickets"].as_array().expect("tickets") {
        let (body, code) = (body_of(vector), vector["code"].as_str().expect("code"));
        assert_eq!(body.sign(&key).as_str(), code, "{}", vector["name"]);
        let read = TicketCode::parse(code).expect("code");
        assert_eq!((read.body(), read.key_id()), (&body, key.key_id()));
        let verified = read.verify(&ring(&root, &key, body.theatre), NOW).expect("signature");
        assert_eq!((verified.body, verified.side), (body, Side::Central));
    }
    let text = vectors["certificate"].as_str().expect("certificate");
    assert_eq!(certificate(&key, TheatreId(12)).sign(&root), text);
    assert_eq!(Certificate::read(text, &root.public()), Ok(certificate(&key, TheatreId(12))));
}

#[test]
fn every_refused_vector_is_refused_for_its_reason() {
    let vectors = vectors();
    let (root, key) = (seed(&vectors["root_seed"]), seed(&vectors["issuing_seed"]));
    let ring = ring(&root, &key, TheatreId(12));
    for vector in vectors["refused"].as_array().expect("refused") {
        let code = vector["code"].as_str().expect("code");
        let reason = match TicketCode::parse(code) {
            Err(BadCode::Text(BadText::TooLong)) => "too_long",
            Err(BadCode::Text(BadText::TooShort)) => "too_short",
            Err(BadCode::Text(BadText::NotBase32)) => "not_base32",
            Err(BadCode::Format(_)) => "format",
            Err(BadCode::Malformed) => "malformed",
            Ok(ticket) => match ticket.verify(&ring, NOW) {
                Err(BadSigner::UnknownKey(_)) => "unknown_key",
                Err(BadSigner::Signature(_)) => "bad_signature",
                Ok(_) => "accepted",
            },
        };
        assert_eq!(reason, vector["reason"], "{}", vector["name"]);
    }
}

#[test]
fn the_largest_ticket_fits_its_limit_and_a_version_7_code() {
    let code = largest().sign(&SecretKey::from_seed(&[2; 32]));
    let bytes = data_encoding::BASE32_NOPAD.decode(code.as_str().as_bytes()).expect("Base32");
    assert_eq!((bytes.len(), code.as_str().len()), (TICKET_BYTES_MAX, 173));
    assert_eq!(TicketCode::parse(code.as_str()).map(|ticket| ticket.body().clone()), Ok(largest()));
}

#[test]
fn a_megabyte_of_text_is_refused_without_decoding_it() {
    assert_eq!(TicketCode::parse(&"A".repeat(1 << 20)), Err(BadText::TooLong.into()));
    assert_eq!(TicketCode::parse(&" ".repeat(1 << 20)), Err(BadText::TooLong.into()));
}

#[test]
fn a_row_label_is_one_to_three_letters_or_digits() {
    for bad in ["", "ABCD", "Ä", "A B", "A-"] {
        assert_eq!(RowLabel::new(bad), None, "{bad}");
    }
    assert_eq!(RowLabel::new("AA").as_ref().map(RowLabel::as_str), Some("AA"));
}

proptest! {
    #[test]
    fn a_ticket_reads_back_in_any_case_and_with_white_space(body in body(), lower: bool) {
        let (root, key) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let code = body.sign(&key);
        prop_assert!(code.as_str().len() <= 173);
        let text = if lower { code.as_str().to_lowercase() } else { code.to_string() };
        let ticket = TicketCode::parse(&format!("\t {text}\r\n")).expect("code");
        prop_assert_eq!(ticket.body(), &body);
        let verified = ticket.verify(&ring(&root, &key, body.theatre), NOW).expect("signature");
        prop_assert_eq!(verified.body, body);
    }

    #[test]
    fn a_mutant_never_verifies(body in body(), at in any::<prop::sample::Index>(), flip in 1u8..=255) {
        let (root, key) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let mut bytes = data_encoding::BASE32_NOPAD.decode(body.sign(&key).as_str().as_bytes()).expect("Base32");
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(ticket) = TicketCode::parse(&data_encoding::BASE32_NOPAD.encode(&bytes)) {
            let theatre = ticket.body().theatre;
            prop_assert!(ticket.verify(&ring(&root, &key, theatre), NOW).is_err());
        }
    }

    #[test]
    fn no_text_makes_the_reader_fail_or_has_two_forms(text in "[ A-Za-z2-7]{0,180}", cut in 0usize..40) {
        let key = SecretKey::from_seed(&[2; 32]);
        let code = largest().sign(&key).to_string();
        for text in [text.as_str(), &code[cut..], &code[..code.len() - cut]] {
            if let Ok(ticket) = TicketCode::parse(text) {
                prop_assert_eq!(ticket.body(), &largest());
            }
        }
    }

    #[test]
    fn an_envelope_signature_is_no_ticket(body in body()) {
        let (root, key) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let bytes = data_encoding::BASE32_NOPAD.decode(body.sign(&key).as_str().as_bytes()).expect("Base32");
        let payload = &bytes[..bytes.len() - 64];
        let signed = [payload, &key.sign(Domain::Envelope, payload)].concat();
        let ticket = TicketCode::parse(&data_encoding::BASE32_NOPAD.encode(&signed)).expect("form");
        let verified = ticket.verify(&ring(&root, &key, body.theatre), NOW);
        prop_assert_eq!(verified, Err(BadSigner::Signature(key.key_id())));
    }
}
