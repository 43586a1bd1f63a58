//! Who this box is: its key pair, and the join file by which central took it in.
//!
//! In the data directory: `edge.pem` (the secret key, readable by its owner only), `join.json` (what `join` accepted), and for a
//! while `edge-next.pem`: a new key that takes the place of the old one as soon as a join file for it is accepted.

use anyhow::{Context, bail, ensure};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding};
use node::view::TheatreRef;
use serde::{Deserialize, Serialize};
use shared::ids::{Side, TheatreId};
use shared::keys::{Certificate, Domain, KeyRing, PublicKey, SecretKey};
use shared::money::Currency;
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The only format of requests and join files so far.
const FORMAT: u32 = 1;

/// What `usher-edge init` prints: the request that central answers with a join file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRequest {
    /// The file's format.
    pub format: u32,
    /// The box's public key, 64 hex digits.
    pub public_key: String,
}

/// The theatre of a join file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedTheatre {
    /// Its id at central.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its city.
    pub city: String,
}

/// How the box logs in to the broker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerLogin {
    /// The MQTT client id.
    pub client_id: String,
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// What `usher-central theatre enrol` writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinFile {
    /// The file's format.
    pub format: u32,
    /// The theatre.
    pub theatre: JoinedTheatre,
    /// ISO 4217.
    pub currency: Currency,
    /// IANA time zone.
    pub zone: String,
    /// The root's public key, 64 hex digits.
    pub root_key: String,
    /// The certificate of central's key for this theatre, Base32.
    pub central_certificate: String,
    /// The certificate of this box's key, Base32.
    pub edge_certificate: String,
    /// The broker login.
    pub broker: BrokerLogin,
    /// The box takes the place of one that was retired: its log exists already.
    #[serde(default)]
    pub replacement: bool,
    /// The certificate of the key that this box had before. Not central's to say: kept here as the box joins anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_certificate: Option<String>,
}

/// A box that has joined: key, theatre and the certificates to begin with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The box's key: signs tickets and envelopes.
    pub key: SecretKey,
    /// Its key before that one, where it had one: it goes on signing tickets until the doors know the new one.
    pub previous: Option<SecretKey>,
    /// The join file.
    pub join: JoinFile,
    /// The theatre's id.
    pub theatre: TheatreId,
    /// The theatre, short.
    pub theatre_ref: TheatreRef,
    /// The theatre's time zone.
    pub zone: node::zone::Zone,
    /// The ring with both certificates of the join file.
    pub ring: KeyRing,
}

impl Identity {
    /// The keys by which heads of this box's log were signed.
    pub fn own_keys(&self) -> Vec<PublicKey> {
        self.previous.iter().chain([&self.key]).map(SecretKey::public).collect()
    }
}

/// Makes the key pair, or finds the one made before, and returns the request to hand to central.
///
/// # Errors
/// If the key file cannot be read or written.
pub fn init(data: &Path) -> anyhow::Result<JoinRequest> {
    fs::create_dir_all(data).with_context(|| format!("make the data directory {}", data.display()))?;
    Ok(request_of(&key_or_new(&key_path(data))?))
}

/// Makes a key pair that is to take the place of this box's key, or finds the one made before, and returns its request. The box
/// goes on with its old key until [`join`] is given the answer.
///
/// # Errors
/// If the box has no key yet, or the key file cannot be read or written.
pub fn init_next(data: &Path) -> anyhow::Result<JoinRequest> {
    ensure!(key_path(data).exists(), "{} has no key that could be replaced: leave out --new-key", data.display());
    Ok(request_of(&key_or_new(&next_key_path(data))?))
}

fn key_or_new(path: &Path) -> anyhow::Result<SecretKey> {
    if path.exists() {
        return read_key(path);
    }
    let key = SigningKey::from_bytes(&node::random::bytes());
    let pem = key.to_pkcs8_pem(LineEnding::LF).context("encode the key")?;
    write_private(path, pem.as_bytes())?;
    Ok(SecretKey::from(key))
}

fn request_of(key: &SecretKey) -> JoinRequest {
    JoinRequest { format: FORMAT, public_key: key.public().to_hex() }
}

/// Checks a join file against this box's key and keeps it.
///
/// # Errors
/// If the file is not for this box, not signed by its root, or for another theatre than the box already serves.
pub fn join(data: &Path, file: &str) -> anyhow::Result<Identity> {
    let join: JoinFile = serde_json::from_str(file).context("read the join file")?;
    let before = read_join(data)?;
    if let Some(before) = &before {
        let (before, now) = (before.theatre.id, join.theatre.id);
        ensure!(
            before == now,
            "this box serves theatre {before}; a box for theatre {now} needs a data directory of its own"
        );
    }
    let previous_certificate = before.as_ref().and_then(|before| {
        let same_key = before.edge_certificate == join.edge_certificate;
        if same_key { before.previous_certificate.clone() } else { Some(before.edge_certificate.clone()) }
    });
    let identity = check(key_for(data, &join)?, JoinFile { previous_certificate, ..join })?;
    let text = serde_json::to_string_pretty(&identity.join).context("encode the join file")?;
    write_private(&join_path(data), text.as_bytes())?;
    take_next_key(data, &identity)?;
    with_previous(data, identity)
}

/// Loads what `init` and `join` left in the data directory.
///
/// # Errors
/// If either is missing or damaged.
pub fn load(data: &Path) -> anyhow::Result<Identity> {
    let Some(join) = read_join(data)? else {
        bail!("{} has no join file yet: run `usher-edge join FILE --data {0}`", data.display());
    };
    let identity = check(key_for(data, &join)?, join)?;
    // A power cut may have come between the join file and its key.
    take_next_key(data, &identity)?;
    with_previous(data, identity)
}

fn with_previous(data: &Path, identity: Identity) -> anyhow::Result<Identity> {
    let path = previous_key_path(data);
    let previous = if path.exists() { Some(read_key(&path)?) } else { None };
    // A power cut may have come before the new key took its place.
    let previous = previous.filter(|previous| previous.public() != identity.key.public());
    Ok(Identity { previous, ..identity })
}

/// The key that the join file certifies: the box's own, or the one that is to take its place.
fn key_for(data: &Path, join: &JoinFile) -> anyhow::Result<SecretKey> {
    let own = read_key(&key_path(data))?;
    if !next_key_path(data).exists() {
        return Ok(own);
    }
    let next = read_key(&next_key_path(data))?;
    let root = PublicKey::from_hex(&join.root_key).context("read the root key of the join file")?;
    let certified = Certificate::read(&join.edge_certificate, &root).map(|certificate| certificate.public_key);
    Ok(if certified == Ok(next.public()) { next } else { own })
}

/// The new key becomes the box's key once the join file is one for it.
fn take_next_key(data: &Path, identity: &Identity) -> anyhow::Result<()> {
    let next = next_key_path(data);
    if next.exists() && read_key(&next)?.public() == identity.key.public() {
        let before = fs::read(key_path(data)).context("read the key before")?;
        write_private(&previous_key_path(data), &before)?;
        let taken = fs::rename(&next, key_path(data)).and_then(|()| fs::File::open(data)?.sync_all());
        taken.context("put the new key in the place of the old one")?;
    }
    Ok(())
}

fn check(key: SecretKey, join: JoinFile) -> anyhow::Result<Identity> {
    ensure!(join.format == FORMAT, "a join file of format {}, which this version cannot read", join.format);
    let theatre = TheatreId(join.theatre.id);
    let root = PublicKey::from_hex(&join.root_key).context("read the root key of the join file")?;
    let mut ring = KeyRing::new(root, theatre);
    for (side, text) in [(Side::Central, &join.central_certificate), (Side::Edge, &join.edge_certificate)] {
        let certificate = Certificate::read(text, &root).with_context(|| format!("read the certificate of {side}"))?;
        ensure!(certificate.side == side, "the certificate of {side} is one of {}", certificate.side);
        if side == Side::Edge {
            ensure!(certificate.public_key == key.public(), "this join file is for another box: its key is not ours");
            let signs = [Domain::Ticket, Domain::Envelope].into_iter().all(|domain| certificate.purpose.covers(domain));
            ensure!(signs, "the certificate of edge does not cover tickets and the link");
        }
        ring.add(text).with_context(|| format!("take in the certificate of {side}"))?;
    }
    if let Some(text) = &join.previous_certificate {
        ring.add(text).context("take in the certificate of the key before")?;
    }
    let zone = node::zone::Zone::named(&join.zone).context("read the time zone of the join file")?;
    let theatre_ref = TheatreRef { id: theatre.0, name: join.theatre.name.clone() };
    Ok(Identity { key, previous: None, theatre, theatre_ref, zone, ring, join })
}

fn key_path(data: &Path) -> PathBuf {
    data.join("edge.pem")
}

fn next_key_path(data: &Path) -> PathBuf {
    data.join("edge-next.pem")
}

fn previous_key_path(data: &Path) -> PathBuf {
    data.join("edge-previous.pem")
}

fn join_path(data: &Path) -> PathBuf {
    data.join("join.json")
}

fn read_key(path: &Path) -> anyhow::Result<SecretKey> {
    let pem = fs::read_to_string(path)
        .with_context(|| format!("read the key {}; `usher-edge init` makes it", path.display()))?;
    let key = SigningKey::from_pkcs8_pem(&pem).with_context(|| format!("decode the key {}", path.display()))?;
    Ok(SecretKey::from(key))
}

/// What `join` accepted, unchecked; nothing where the box has not joined.
///
/// # Errors
/// If it cannot be read.
pub fn read_join(data: &Path) -> anyhow::Result<Option<JoinFile>> {
    let path = join_path(data);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("decode {}", path.display())).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", path.display())),
    }
}

/// Writes beside the target and renames, so that a power cut leaves the old file or the new one.
fn write_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use shared::keys::Purpose;
    use shared::time::Timestamp;

    fn enrolled(theatre: u32, edge: &PublicKey) -> JoinFile {
        let root = SecretKey::from_seed(&[1; 32]);
        let certificate = |public_key, side| {
            let (valid_from, valid_until) = (Timestamp::from_minutes(0), Timestamp::from_minutes(u32::MAX));
            let theatre = TheatreId(theatre);
            let purpose = Purpose::TicketsAndLink;
            Certificate { public_key, theatre, side, valid_from, valid_until, purpose }.sign(&root)
        };
        JoinFile {
            format: FORMAT,
            theatre: JoinedTheatre { id: theatre, name: "Rex".into(), city: "Pune".into() },
            currency: Currency::INR,
            zone: "Asia/Kolkata".into(),
            root_key: root.public().to_hex(),
            central_certificate: certificate(SecretKey::from_seed(&[2; 32]).public(), Side::Central),
            edge_certificate: certificate(*edge, Side::Edge),
            replacement: false,
            previous_certificate: None,
            broker: BrokerLogin { client_id: "edge-12".into(), username: "edge-12".into(), password: "x".into() },
        }
    }

    fn joined(data: &Path, file: &JoinFile) -> anyhow::Result<Identity> {
        join(data, &serde_json::to_string(file)?)
    }

    #[test]
    fn a_box_joins_with_its_own_file_and_loads_it_again() {
        let data = tempfile::tempdir().expect("dir");
        let request = init(data.path()).expect("init");
        assert_eq!(init(data.path()).expect("again"), request, "a second init keeps the key");
        let public = PublicKey::from_hex(&request.public_key).expect("key");
        joined(data.path(), &enrolled(12, &public)).expect("join");
        let identity = load(data.path()).expect("load");
        assert_eq!((identity.theatre, identity.key.public()), (TheatreId(12), public));
        assert_eq!(identity.ring.certificates().count(), 2);
    }

    #[test]
    fn a_file_for_another_box_another_theatre_or_with_sides_swapped_is_refused() {
        let data = tempfile::tempdir().expect("dir");
        let request = init(data.path()).expect("init");
        let public = PublicKey::from_hex(&request.public_key).expect("key");
        let foreign = enrolled(12, &SecretKey::from_seed(&[9; 32]).public());
        assert!(joined(data.path(), &foreign).expect_err("foreign").to_string().contains("another box"));
        let mut swapped = enrolled(12, &public);
        std::mem::swap(&mut swapped.central_certificate, &mut swapped.edge_certificate);
        assert!(joined(data.path(), &swapped).expect_err("swapped").to_string().contains("is one of edge"));
        assert!(load(data.path()).expect_err("not joined").to_string().contains("no join file"));
        joined(data.path(), &enrolled(12, &public)).expect("join");
        assert!(
            joined(data.path(), &enrolled(13, &public)).expect_err("moved").to_string().contains("serves theatre 12")
        );
    }

    #[test]
    fn a_new_key_takes_the_place_of_the_old_one_with_its_join_file_and_not_before() {
        let data = tempfile::tempdir().expect("dir");
        assert!(init_next(data.path()).expect_err("no key").to_string().contains("--new-key"));
        let public = |request: &JoinRequest| PublicKey::from_hex(&request.public_key).expect("key");
        let first = public(&init(data.path()).expect("init"));
        joined(data.path(), &enrolled(12, &first)).expect("join");
        let request = init_next(data.path()).expect("next");
        assert_eq!(init_next(data.path()).expect("again"), request, "a second request is for the same key");
        let second = public(&request);
        let key_now = || load(data.path()).expect("load").key.public();
        assert_eq!((second == first, key_now()), (false, first));
        joined(data.path(), &enrolled(12, &second)).expect("join anew");
        assert_eq!((key_now(), next_key_path(data.path()).exists()), (second, false));
        let previous = load(data.path()).expect("load").previous.map(|key| key.public());
        assert_eq!(previous, Some(first), "it goes on signing for a while");
        assert_eq!(load(data.path()).expect("load").ring.certificates().count(), 3, "and is known");
        assert!(joined(data.path(), &enrolled(12, &first)).is_err(), "the old key is gone");
    }

    #[test]
    fn a_power_cut_between_the_join_file_and_its_key_is_mended_at_the_next_start() {
        let data = tempfile::tempdir().expect("dir");
        init(data.path()).expect("init");
        let second = PublicKey::from_hex(&init_next(data.path()).expect("next").public_key).expect("key");
        let text = serde_json::to_string(&enrolled(12, &second)).expect("text");
        fs::write(join_path(data.path()), text).expect("written");
        assert_eq!(load(data.path()).expect("load").key.public(), second);
        assert_eq!(
            (load(data.path()).expect("load").key.public(), next_key_path(data.path()).exists()),
            (second, false)
        );
    }

    #[test]
    fn the_secret_key_is_readable_by_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let data = tempfile::tempdir().expect("dir");
        init(data.path()).expect("init");
        let mode = fs::metadata(key_path(data.path())).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
