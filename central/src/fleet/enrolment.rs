//! Enrolment: a box's request becomes certificates, a broker account and the join file that the box takes in.

use super::accounts::password_hash;
use super::keys::KeyStore;
use crate::catalogue::theatres::{self, Theatre};
use crate::desk::silent_replica;
use anyhow::{Context, ensure};
use node::ledger_store;
use node::store::{Sql, StoreError};
use node::values;
use serde::{Deserialize, Serialize};
use shared::ids::{KeyId, Side, TheatreId};
use shared::keys::{Certificate, PublicKey, Purpose, SecretKey};
use shared::time::Timestamp;
use std::time::Duration;

const FORMAT: u32 = 1;
/// How long the certificates of an enrolment are valid.
const VALID_FOR: Duration = Duration::from_secs(400 * 24 * 3600);
/// A box whose clock is behind should still find its own certificate valid.
pub(crate) const VALID_BEFORE: Duration = Duration::from_secs(24 * 3600);

/// What a box prints to be enrolled.
#[derive(Debug, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The file's format.
    pub format: u32,
    /// The box's public key, 64 hex digits.
    pub public_key: String,
}

/// Which key central issues tickets with from an enrolment on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuing {
    /// The one before, or a first one.
    Kept,
    /// A new one: the one before was stolen, or its time is over.
    New,
}

impl Issuing {
    /// A new key where one is wanted.
    pub fn wanted(new: bool) -> Self {
        if new { Self::New } else { Self::Kept }
    }
}

/// What a box takes in.
#[derive(Debug, Serialize)]
pub struct JoinFile {
    format: u32,
    theatre: JoinedTheatre,
    currency: String,
    zone: String,
    root_key: String,
    central_certificate: String,
    edge_certificate: String,
    broker: BrokerLogin,
    /// The box goes on with the log of one that was retired.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub replacement: bool,
}

#[derive(Debug, Serialize)]
struct JoinedTheatre {
    id: u32,
    name: String,
    city: String,
}

#[derive(Debug, Serialize)]
struct BrokerLogin {
    client_id: String,
    username: String,
    password: String,
}

/// An enrolled theatre.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The theatre.
    pub theatre: TheatreId,
    /// The box's public key, 64 hex digits.
    pub edge_key: String,
    /// The box's certificate.
    pub edge_certificate: String,
    /// The certificate of central's issuing key.
    pub central_certificate: String,
    /// The box's name at the broker, its client id too.
    pub broker_username: String,
    /// The hash of its password.
    pub broker_password: String,
}

impl Enrolment {
    /// The key that central's certificate names. A newer one in the directory that was not certified in the end is left alone: the
    /// box would believe nothing that it signs.
    ///
    /// # Errors
    /// If a key file cannot be read.
    pub fn issuing_key(&self, keys: &KeyStore, root: &PublicKey) -> anyhow::Result<SecretKey> {
        let newest = keys.issuing_or_new(self.theatre)?;
        let Ok(certificate) = Certificate::read(&self.central_certificate, root) else { return Ok(newest) };
        if certificate.public_key == newest.public() {
            return Ok(newest);
        }
        let certified = keys.kept(self.theatre)?.into_iter().find(|key| key.public() == certificate.public_key);
        Ok(certified.unwrap_or(newest))
    }
}

/// Finds the theatre that a person names by id, by name, or by `City/Name`; a sentence where there is none, or more than one.
///
/// # Errors
/// If the store fails.
pub fn theatre_named(conn: &dyn Sql, text: &str) -> Result<Result<Theatre, String>, StoreError> {
    if let Ok(id) = text.parse() {
        return Ok(theatres::by_id(conn, id)?.ok_or_else(|| format!("there is no theatre {id}")));
    }
    if let Some((city, name)) = text.split_once('/')
        && let Some(theatre) = theatres::by_name(conn, city, name)?
    {
        return Ok(Ok(theatre));
    }
    let all = theatres::list(conn, None, 0, usize::MAX)?;
    let mut matching = all.into_iter().filter(|theatre| theatre.name.eq_ignore_ascii_case(text));
    Ok(match (matching.next(), matching.next()) {
        (None, _) => Err(format!("there is no theatre {text:?}")),
        (Some(theatre), None) => Ok(theatre),
        (Some(_), Some(_)) => Err(format!("there are several theatres {text:?}; name it as City/Name or by its id")),
    })
}

/// A box that was taken in.
#[derive(Debug)]
pub struct Enrolled {
    /// What is kept of it.
    pub enrolment: Enrolment,
    /// What it takes in.
    pub file: JoinFile,
}

impl JoinRequest {
    /// The box's public key.
    ///
    /// # Errors
    /// If the file is of another format, or the key is none.
    pub fn key(&self) -> anyhow::Result<PublicKey> {
        ensure!(self.format == FORMAT, "a request of format {}, which this version cannot read", self.format);
        PublicKey::from_hex(&self.public_key).context("read the box's public key")
    }
}

/// Enrols a box for a theatre, in place of the box that served it before; it goes on with that one's log where it was retired.
///
/// # Errors
/// If the request's key is not usable, the root key is missing or the store fails.
pub fn enrol(
    conn: &dyn Sql,
    keys: &KeyStore,
    theatre: &Theatre,
    request: &JoinRequest,
    issuing: Issuing,
    now: Timestamp,
) -> anyhow::Result<Enrolled> {
    let edge_key = request.key()?;
    let root = keys.root()?;
    let certificate = |public_key: PublicKey, side: Side| {
        let (valid_from, valid_until) = (now - VALID_BEFORE, now + VALID_FOR);
        let purpose = Purpose::TicketsAndLink;
        Certificate { public_key, theatre: theatre.id, side, valid_from, valid_until, purpose }.sign(&root)
    };
    let issuing = match issuing {
        Issuing::Kept => keys.issuing_or_new(theatre.id)?,
        Issuing::New => keys.new_issuing(theatre.id)?,
    };
    let (username, password) = (format!("edge-{}", theatre.id), node::random::hex::<32>());
    let enrolment = Enrolment {
        theatre: theatre.id,
        edge_key: edge_key.to_hex(),
        edge_certificate: certificate(edge_key, Side::Edge),
        central_certificate: certificate(issuing.public(), Side::Central),
        broker_username: username.clone(),
        broker_password: password_hash(&password),
    };
    put(conn, &enrolment, now).with_context(|| format!("store the enrolment of theatre {}", theatre.id))?;
    let file = JoinFile {
        format: FORMAT,
        theatre: JoinedTheatre { id: theatre.id.0, name: theatre.name.clone(), city: theatre.city.clone() },
        currency: theatre.currency.clone(),
        zone: theatre.zone.clone(),
        root_key: root.public().to_hex(),
        central_certificate: enrolment.central_certificate.clone(),
        edge_certificate: enrolment.edge_certificate.clone(),
        broker: BrokerLogin { client_id: username.clone(), username, password },
        replacement: replace_box(conn, theatre.id, edge_key.key_id(), now)?,
    };
    Ok(Enrolled { enrolment, file })
}

/// Lets a new box go on with the log of a retired one, if the theatre's is retired.
fn replace_box(conn: &dyn Sql, theatre: TheatreId, key: KeyId, now: Timestamp) -> anyhow::Result<bool> {
    let snapshot = ledger_store::load(conn, theatre, Side::Central)?;
    let marks = snapshot.ledger.marks;
    if !marks.retired {
        // Asked again before the new box has gone on with the log, it is told so again.
        return Ok(marks.edge != 0 && snapshot.heads.peer.seq + 1 == marks.edge);
    }
    ensure!(!snapshot.ledger.revoked.contains(&key), "the box's key {key} is revoked: it needs a new one");
    let mut replica = silent_replica(theatre, snapshot, now);
    replica.replace_box(key, now).map_err(anyhow::Error::msg).context("replace the retired box")?;
    ledger_store::write(conn, theatre, replica.take_changes())?;
    Ok(true)
}

fn put(conn: &dyn Sql, enrolment: &Enrolment, now: Timestamp) -> Result<(), StoreError> {
    conn.execute(
        "INSERT INTO enrolment (theatre, edge_key, edge_certificate, central_certificate, broker_username,
             broker_password, enrolled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (theatre) DO UPDATE SET
             (edge_key, edge_certificate, central_certificate, broker_username, broker_password, enrolled_at)
             = (excluded.edge_key, excluded.edge_certificate, excluded.central_certificate, excluded.broker_username,
                excluded.broker_password, excluded.enrolled_at)",
        values![
            enrolment.theatre.0,
            enrolment.edge_key,
            enrolment.edge_certificate,
            enrolment.central_certificate,
            enrolment.broker_username,
            enrolment.broker_password,
            now.0
        ],
    )?;
    Ok(())
}

/// The box of a theatre.
pub fn of_theatre(conn: &dyn Sql, theatre: TheatreId) -> Result<Option<Enrolment>, StoreError> {
    Ok(all(conn)?.into_iter().find(|enrolment| enrolment.theatre == theatre))
}

/// All enrolled theatres, by id.
pub fn all(conn: &dyn Sql) -> Result<Vec<Enrolment>, StoreError> {
    conn.all("SELECT * FROM enrolment ORDER BY theatre", &[], |row| {
        Ok(Enrolment {
            theatre: TheatreId(row.get("theatre")?),
            edge_key: row.get("edge_key")?,
            edge_certificate: row.get("edge_certificate")?,
            central_certificate: row.get("central_certificate")?,
            broker_username: row.get("broker_username")?,
            broker_password: row.get("broker_password")?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::keys::{KeyRing, SecretKey};

    #[test]
    fn an_enrolled_box_gets_certificates_that_its_root_signed() {
        let directory = tempfile::tempdir().expect("directory");
        let keys = KeyStore::at(directory.path());
        let root = keys.init().expect("init");
        let conn = crate::schema::empty();
        let table = "city,name,screens,seats\nPune,Vijay,2,300\nKochi,Vijay,1,200\nKochi,Padma,1,200\n";
        theatres::import(&conn, table.as_bytes()).expect("theatres");
        let named = |text| theatre_named(&conn, text).expect("read");
        assert!(named("Vijay").expect_err("two").contains("several"));
        let theatre = named("Kochi/Vijay").expect("theatre");
        assert_eq!(named("padma").expect("theatre").id, TheatreId(3));
        assert_eq!(named("Nowhere"), Err("there is no theatre \"Nowhere\"".to_owned()));
        let edge = SecretKey::from_seed(&[5; 32]);
        let request = JoinRequest { format: 1, public_key: edge.public().to_hex() };
        let now = Timestamp(1_800_000_000_000);
        let file = enrol(&conn, &keys, &theatre, &request, Issuing::Kept, now).expect("enrol").file;
        let mut ring = KeyRing::new(root, theatre.id);
        assert_eq!(ring.add(&file.edge_certificate).expect("edge's"), edge.key_id());
        let issuing = keys.issuing(theatre.id).expect("issuing").key_id();
        assert_eq!(ring.add(&file.central_certificate).expect("central's"), issuing);
        let stored = all(&conn).expect("stored");
        assert_eq!((stored.len(), stored[0].broker_username.as_str()), (1, "edge-2"));
        assert!(!stored[0].broker_password.contains(&file.broker.password));
        let weak = JoinRequest { format: 1, public_key: "00".repeat(32) };
        assert!(enrol(&conn, &keys, &theatre, &weak, Issuing::Kept, now).is_err());
    }
}
