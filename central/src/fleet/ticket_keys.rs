//! Which of central's keys signs a theatre's tickets. A new one signs the first once its certificate is at the box, and a day after it
//! was certified: by then every door that is in use has it too, and one that has not would answer amber. Until then the key before it
//! goes on, for as long as it is good. The line to the box is signed with the new key from the start.

use super::enrolment::VALID_BEFORE;
use super::keys::KeyStore;
use anyhow::Context;
use shared::ids::KeyId;
use shared::keys::{KeyRing, SecretKey, Standing};
use shared::time::Timestamp;
use std::time::Duration;

/// Every door that is in use has been in contact since.
const DOORS_LEARN_WITHIN: Duration = Duration::from_secs(24 * 3600);

/// Central's keys of one theatre.
#[derive(Debug, Clone)]
pub struct TicketKeys {
    own: SecretKey,
    before: Option<Before>,
}

/// The key before, while it still signs.
#[derive(Debug, Clone)]
struct Before {
    key: SecretKey,
    /// The own entry up to which the box must have the log.
    certified: u64,
    /// The doors have time until then.
    until: Timestamp,
}

impl TicketKeys {
    /// A key that nothing was before.
    pub fn of(own: SecretKey) -> Self {
        Self { own, before: None }
    }

    /// The present key with those that were before it in the directory, as far as the ring has certified them. `head` is the number of the last own entry: what is certified
    /// is certified there.
    ///
    /// # Errors
    /// If a key file cannot be read.
    pub fn load(own: SecretKey, keys: &KeyStore, ring: &KeyRing, head: u64, now: Timestamp) -> anyhow::Result<Self> {
        let theatre = ring.theatre();
        let kept = keys.kept(theatre).with_context(|| format!("read the old keys of theatre {theatre}"))?;
        let first = |key: KeyId| ring.lookup(key, now).map(|(certificate, _)| certificate.valid_from).min();
        let good = |key: &KeyId| ring.lookup(*key, now).any(|(_, standing)| standing == Standing::Valid);
        let candidates = kept.into_iter().filter(|key| key.key_id() != own.key_id() && good(&key.key_id()));
        let latest = candidates.max_by_key(|key| first(key.key_id()));
        // A key that nothing certifies yet is certified at the next start: until then the doors cannot know it.
        let certified_at =
            first(own.key_id()).map_or(Timestamp(i64::MAX), |from| from + VALID_BEFORE + DOORS_LEARN_WITHIN);
        Ok(Self { before: latest.map(|key| Before { key, certified: head, until: certified_at }), own })
    }

    /// The key that signs tickets now, where the box has the own log up to `acked`.
    pub fn of_tickets(&self, acked: u64, now: Timestamp) -> &SecretKey {
        let before = self.before.as_ref().filter(|before| acked < before.certified || now < before.until);
        before.map_or(&self.own, |before| &before.key)
    }

    /// A key was revoked: it signs nothing any more.
    pub fn revoke(&mut self, key: KeyId) {
        self.before.take_if(|before| before.key.key_id() == key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::ids::{Side, TheatreId};
    use shared::keys::{Certificate, Purpose};

    const THEATRE: TheatreId = TheatreId(12);
    const DAY: i64 = 24 * 3_600_000;

    fn at_day(day: i64) -> Timestamp {
        Timestamp(day * DAY)
    }

    struct Directory {
        _place: tempfile::TempDir,
        keys: KeyStore,
        ring: KeyRing,
    }

    impl Directory {
        fn new() -> Self {
            let place = tempfile::tempdir().expect("directory");
            let keys = KeyStore::at(place.path());
            let ring = KeyRing::new(keys.init().expect("init"), THEATRE);
            Self { _place: place, keys, ring }
        }

        fn certify(&mut self, key: &SecretKey, day: i64) -> KeyId {
            let certificate = Certificate {
                public_key: key.public(),
                theatre: THEATRE,
                side: Side::Central,
                valid_from: at_day(day) - VALID_BEFORE,
                valid_until: at_day(day + 400),
                purpose: Purpose::TicketsAndLink,
            };
            self.ring.add(&certificate.sign(&self.keys.root().expect("root"))).expect("certified")
        }

        fn load(&self, day: i64) -> TicketKeys {
            let own = self.keys.issuing(THEATRE).expect("the present key");
            TicketKeys::load(own, &self.keys, &self.ring, 7, at_day(day)).expect("keys")
        }
    }

    #[test]
    fn a_new_key_signs_tickets_once_the_box_has_it_and_the_doors_have_had_a_day() {
        let mut directory = Directory::new();
        let first = directory.keys.issuing_or_new(THEATRE).expect("first");
        let first = directory.certify(&first, 0);
        assert_eq!(directory.load(0).of_tickets(0, at_day(0)).key_id(), first, "there is no key before the first");
        let own = directory.keys.new_issuing(THEATRE).expect("second");
        // Nothing has certified it: not even the box would know it.
        assert_eq!(directory.load(99).of_tickets(7, at_day(99)).key_id(), first);
        let second = directory.certify(&own, 100);
        let keys = directory.load(100);
        for (acked, day, signs) in [(7, 100, first), (6, 101, first), (6, 300, first), (7, 101, second)] {
            assert_eq!(keys.of_tickets(acked, at_day(day)).key_id(), signs, "acknowledged {acked}, day {day}");
        }
        // The same key in a new enrolment's certificate is not new.
        directory.certify(&own, 200);
        assert_eq!(directory.load(200).of_tickets(7, at_day(200)).key_id(), second);
    }

    #[test]
    fn of_the_keys_before_only_the_last_good_one_goes_on() {
        let mut directory = Directory::new();
        let mut made = Vec::new();
        for day in [0, 10, 20] {
            let key = directory.keys.new_issuing(THEATRE).expect("key");
            made.push(directory.certify(&key, day));
        }
        let mut keys = directory.load(20);
        assert_eq!(keys.of_tickets(7, at_day(20)).key_id(), made[1]);
        keys.revoke(made[0]);
        assert_eq!(keys.of_tickets(7, at_day(20)).key_id(), made[1]);
        keys.revoke(made[1]);
        assert_eq!(keys.of_tickets(0, at_day(20)).key_id(), made[2], "a revoked key signs nothing");
        directory.ring.revoke(made[1]);
        assert_eq!(directory.load(20).of_tickets(7, at_day(20)).key_id(), made[0]);
        directory.ring.revoke(made[0]);
        assert_eq!(directory.load(20).of_tickets(0, at_day(20)).key_id(), made[2]);
    }
}
