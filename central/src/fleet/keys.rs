//! Keys on disk: the root key that certifies, and central's issuing key of each theatre.
//!
//! In the keys directory: `root.pem` (secret; needed only to enrol, may be kept elsewhere), `root.pub` (64 hex digits) and
//! `central-THEATRE.pem` (secret).

use anyhow::{Context, bail};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding};
use shared::ids::TheatreId;
use shared::keys::{PublicKey, SecretKey};
use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The keys directory.
#[derive(Debug, Clone)]
pub struct KeyStore {
    directory: PathBuf,
}

impl KeyStore {
    /// The keys directory at a path; nothing is read yet.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Makes the root key, or finds the one made before; returns its public half.
    ///
    /// # Errors
    /// If a key file cannot be read or written.
    pub fn init(&self) -> anyhow::Result<PublicKey> {
        if self.root_pem().exists() {
            return Ok(self.root()?.public());
        }
        if self.root_pub().exists() {
            bail!("{} is there without root.pem: a new root would be another fleet", self.root_pub().display());
        }
        let directory = &self.directory;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.with_context(|| format!("make the keys directory {}", directory.display()))?;
        let root = new_key(&self.root_pem())?;
        write_file(&self.root_pub(), format!("{}\n", root.public().to_hex()).as_bytes())?;
        Ok(root.public())
    }

    /// The root key, to certify with.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub fn root(&self) -> anyhow::Result<SecretKey> {
        read_key(&self.root_pem()).context("read the root key; `usher-central init` makes it")
    }

    /// The root's public half.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub fn root_public(&self) -> anyhow::Result<PublicKey> {
        let path = self.root_pub();
        let text = fs::read_to_string(&path);
        let text = text.with_context(|| format!("read {}; `usher-central init` makes it", path.display()))?;
        PublicKey::from_hex(&text).with_context(|| format!("decode {}", path.display()))
    }

    /// The root's public half, if there is a root.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn root_if_made(&self) -> anyhow::Result<Option<PublicKey>> {
        if self.root_pub().exists() { self.root_public().map(Some) } else { Ok(None) }
    }

    /// Central's issuing key of a theatre, made on first use.
    ///
    /// # Errors
    /// If the key file cannot be read or written.
    pub fn issuing_or_new(&self, theatre: TheatreId) -> anyhow::Result<SecretKey> {
        let path = self.issuing_pem(theatre);
        if path.exists() { read_key(&path) } else { new_key(&path) }
    }

    /// A new issuing key of a theatre. The one before is kept as `central-THEATRE-KEYID.pem`.
    ///
    /// # Errors
    /// If a key file cannot be read or written.
    pub fn new_issuing(&self, theatre: TheatreId) -> anyhow::Result<SecretKey> {
        let path = self.issuing_pem(theatre);
        if path.exists() {
            let before = read_key(&path)?.key_id();
            let kept = self.directory.join(format!("central-{theatre}-{before}.pem"));
            // A hard link, so that at no moment the theatre is without its key file.
            match fs::hard_link(&path, &kept) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(error).with_context(|| format!("keep the old key as {}", kept.display()));
                }
                Ok(()) | Err(_) => {}
            }
        }
        new_key(&path)
    }

    /// Central's issuing key of a theatre.
    ///
    /// # Errors
    /// If it is not there or damaged.
    pub fn issuing(&self, theatre: TheatreId) -> anyhow::Result<SecretKey> {
        read_key(&self.issuing_pem(theatre))
    }

    /// The issuing keys that a theatre had before, in no order.
    ///
    /// # Errors
    /// If a key file is damaged, or the directory cannot be read.
    pub fn kept(&self, theatre: TheatreId) -> anyhow::Result<Vec<SecretKey>> {
        let listed = fs::read_dir(&self.directory);
        let listed = listed.with_context(|| format!("list the keys directory {}", self.directory.display()))?;
        let (mut keys, prefix) = (Vec::new(), format!("central-{theatre}-"));
        for file in listed {
            let path = file.context("list the keys directory")?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.strip_prefix(&prefix).is_some_and(|rest| rest.ends_with(".pem")) {
                keys.push(read_key(&path)?);
            }
        }
        Ok(keys)
    }

    fn root_pem(&self) -> PathBuf {
        self.directory.join("root.pem")
    }

    fn root_pub(&self) -> PathBuf {
        self.directory.join("root.pub")
    }

    fn issuing_pem(&self, theatre: TheatreId) -> PathBuf {
        self.directory.join(format!("central-{theatre}.pem"))
    }
}

fn new_key(path: &Path) -> anyhow::Result<SecretKey> {
    let key = SigningKey::from_bytes(&node::random::bytes());
    let pem = key.to_pkcs8_pem(LineEnding::LF).with_context(|| format!("encode the key for {}", path.display()))?;
    write_file(path, pem.as_bytes())?;
    Ok(SecretKey::from(key))
}

fn read_key(path: &Path) -> anyhow::Result<SecretKey> {
    let pem = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    let key = SigningKey::from_pkcs8_pem(&pem).with_context(|| format!("decode {}", path.display()))?;
    Ok(SecretKey::from(key))
}

/// Writes beside the target and renames, so that a power cut leaves no half of a key.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_init_keeps_the_root_and_keys_are_found_again() {
        let directory = tempfile::tempdir().expect("directory");
        let keys = KeyStore::at(&directory.path().join("keys"));
        let root = keys.init().expect("init");
        assert_eq!(keys.init().expect("again"), root);
        assert_eq!((keys.root_public().expect("public"), keys.root().expect("root").public()), (root, root));
        assert!(keys.issuing(TheatreId(12)).is_err());
        let issuing = keys.issuing_or_new(TheatreId(12)).expect("new");
        assert_eq!(keys.issuing(TheatreId(12)).expect("found").key_id(), issuing.key_id());
        let second = keys.new_issuing(TheatreId(12)).expect("another");
        assert_ne!(second.key_id(), issuing.key_id());
        assert_eq!(keys.issuing_or_new(TheatreId(12)).expect("found").key_id(), second.key_id());
        assert!(directory.path().join(format!("keys/central-12-{}.pem", issuing.key_id())).exists());
        let kept = keys.kept(TheatreId(12)).expect("kept");
        assert_eq!(kept.iter().map(SecretKey::key_id).collect::<Vec<_>>(), [issuing.key_id()]);
        assert!(keys.kept(TheatreId(1)).expect("kept").is_empty());
        assert_ne!(keys.issuing_or_new(TheatreId(13)).expect("other").key_id(), issuing.key_id());
    }

    #[test]
    fn a_lost_root_is_not_silently_replaced() {
        let directory = tempfile::tempdir().expect("directory");
        let keys = KeyStore::at(directory.path());
        keys.init().expect("init");
        fs::remove_file(keys.root_pem()).expect("remove");
        assert!(keys.init().is_err());
    }
}
