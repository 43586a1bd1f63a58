//! Accounts at the embedded broker: central's own, and one for each enrolled box, tied to its theatre's topics.

use super::enrolment::Enrolment;
use data_encoding::HEXLOWER;
use node::broker;
use sha2::{Digest, Sha256};
use shared::ids::TheatreId;
use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

/// Central's own name and client id at the broker.
pub const CENTRAL: &str = "central";

/// The hash under which a password is kept: passwords are 256 random bits, so that no slow hash is needed.
pub fn password_hash(password: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(password.as_bytes()))
}

struct Account {
    password_hash: String,
    theatre: TheatreId,
}

/// Who may connect. Boxes are added while the broker runs.
pub struct Accounts {
    central_password_hash: String,
    boxes: RwLock<BTreeMap<String, Account>>,
}

impl Accounts {
    /// Central's account only.
    pub fn new(central_password: &str) -> Self {
        Self { central_password_hash: password_hash(central_password), boxes: RwLock::default() }
    }

    /// Adds a box, or replaces its password.
    pub fn enrol(&self, enrolment: &Enrolment) {
        let account = Account { password_hash: enrolment.broker_password.clone(), theatre: enrolment.theatre };
        let mut boxes = self.boxes.write().unwrap_or_else(PoisonError::into_inner);
        boxes.insert(enrolment.broker_username.clone(), account);
    }

    fn of_box<T>(&self, client_id: &str, answer: impl FnOnce(&Account) -> T) -> Option<T> {
        let boxes = self.boxes.read().unwrap_or_else(PoisonError::into_inner);
        boxes.get(client_id).map(answer)
    }
}

/// `up`, `up/log` or another last part of a topic, with the theatre it belongs to.
pub fn theatre_topic(topic: &str) -> Option<(TheatreId, &str)> {
    let (theatre, rest) = topic.strip_prefix("usher/v1/")?.split_once('/')?;
    Some((theatre.parse().ok()?, rest))
}

impl broker::Accounts for Accounts {
    fn authenticate(&self, client_id: &str, username: &str, password: &str) -> bool {
        // Two hashes of guesses are compared, not the secrets: timing tells nothing that could be used.
        let hash = password_hash(password);
        let matches = match client_id {
            CENTRAL => hash == self.central_password_hash,
            _ => self.of_box(client_id, |account| account.password_hash == hash).unwrap_or(false),
        };
        matches && client_id == username
    }

    fn may_publish(&self, client_id: &str, topic: &str) -> bool {
        match (client_id, theatre_topic(topic)) {
            (CENTRAL, Some((_, rest))) => matches!(rest, "down" | "down/log"),
            (_, Some((theatre, rest))) => {
                let own = self.of_box(client_id, |account| account.theatre == theatre).unwrap_or(false);
                own && matches!(rest, "up" | "up/log" | "presence")
            }
            (_, None) => false,
        }
    }

    fn may_subscribe(&self, client_id: &str, filter: &str) -> bool {
        if client_id == CENTRAL {
            return matches!(filter, "usher/v1/+/up" | "usher/v1/+/up/log" | "usher/v1/+/presence");
        }
        let own = |theatre| self.of_box(client_id, |account| account.theatre == theatre).unwrap_or(false);
        theatre_topic(filter).is_some_and(|(theatre, rest)| own(theatre) && matches!(rest, "down" | "down/log"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use node::broker::Accounts as _;

    #[test]
    fn a_box_reaches_its_own_theatre_only() {
        let accounts = Accounts::new("secret");
        for theatre in [12, 13] {
            accounts.enrol(&Enrolment {
                theatre: TheatreId(theatre),
                edge_key: String::new(),
                edge_certificate: String::new(),
                central_certificate: String::new(),
                broker_username: format!("edge-{theatre}"),
                broker_password: password_hash("word"),
            });
        }
        let table = "
            publish   edge-12 usher/v1/12/up        yes
            publish   edge-12 usher/v1/12/up/log    yes
            publish   edge-12 usher/v1/12/presence  yes
            publish   edge-12 usher/v1/13/up        no
            publish   edge-12 usher/v1/12/down      no
            publish   central usher/v1/12/down      yes
            publish   central usher/v1/12/down/log  yes
            publish   central usher/v1/12/up        no
            publish   nobody  usher/v1/12/up        no
            subscribe edge-12 usher/v1/12/down      yes
            subscribe edge-12 usher/v1/12/down/log  yes
            subscribe edge-12 usher/v1/+/down       no
            subscribe edge-12 usher/v1/13/down      no
            subscribe edge-12 usher/v1/12/up        no
            subscribe edge-12 #                     no
            subscribe central usher/v1/+/up         yes
            subscribe central #                     no
        ";
        for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [verb, client, topic, answer] = words[..] else { panic!("not a row: {line}") };
            let allowed = match verb {
                "publish" => accounts.may_publish(client, topic),
                _ => accounts.may_subscribe(client, topic),
            };
            assert_eq!(allowed, answer == "yes", "{line}");
        }
    }

    #[test]
    fn a_client_id_is_bound_to_its_name_and_password() {
        let accounts = Accounts::new("secret");
        assert!(accounts.authenticate("central", "central", "secret"));
        assert!(!accounts.authenticate("central", "central", ""));
        assert!(!accounts.authenticate("central", "edge-12", "secret"));
        assert!(!accounts.authenticate("edge-12", "edge-12", "secret"));
    }
}
