//! The watermark: how far the store had come, noted beside the keys. A store that is older than its watermark was put back from
//! a backup, and is found out before it sells anything.

use anyhow::Context;
use shared::time::Timestamp;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The file in the keys directory: the store time of the last commit, milliseconds since 1970, 8 bytes big-endian.
const FILE: &str = "watermark";

/// The watermark of one store.
#[derive(Debug)]
pub struct Watermark {
    file: File,
    noted: Option<Timestamp>,
    failing: bool,
}

impl Watermark {
    /// Opens the watermark of a keys directory, or makes one that holds nothing.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub fn open(keys: &Path) -> anyhow::Result<Self> {
        let path = keys.join(FILE);
        let open = || {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            Self::of(file)
        };
        open().with_context(|| format!("open the watermark {}", path.display()))
    }

    /// The watermark of a keys directory, if there is one, to be read only.
    ///
    /// # Errors
    /// If the file cannot be opened or read.
    pub fn look(keys: &Path) -> anyhow::Result<Option<Self>> {
        let path = keys.join(FILE);
        match File::open(&path).and_then(Self::of) {
            Ok(watermark) => Ok(Some(watermark)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("read the watermark {}", path.display())),
        }
    }

    fn of(file: File) -> io::Result<Self> {
        let mut bytes = [0; 8];
        let noted = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => Some(Timestamp(i64::from_be_bytes(bytes))),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
            Err(error) => return Err(error),
        };
        Ok(Self { file, noted, failing: false })
    }

    /// True if a store whose last commit was at `persisted` is not the one that was last noted here, but an older copy. A store
    /// that was never written to has lost nothing; one that was, and has no watermark, came without its keys directory.
    pub fn is_above(&self, persisted: Timestamp) -> bool {
        match self.noted {
            Some(noted) => persisted < noted,
            None => persisted > Timestamp(0),
        }
    }

    /// Was anything ever noted here?
    pub fn is_noted(&self) -> bool {
        self.noted.is_some()
    }

    /// The first note of a run, on disk when this returns: from then on a note overwrites 8 bytes, which a power cut leaves old
    /// or new.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn begin(&mut self, persisted: Timestamp) -> anyhow::Result<()> {
        let written = self.file.write_all_at(&persisted.0.to_be_bytes(), 0).and_then(|()| self.file.sync_all());
        written.context("write the watermark")?;
        self.noted = Some(persisted);
        Ok(())
    }

    /// Notes a commit before anybody hears of it. It is not forced to disk: after a power cut an older note is as good, for the
    /// store has lost nothing. A note that fails is said once and missed by nothing but a later restore.
    pub fn note(&mut self, persisted: Timestamp) {
        if self.noted.is_some_and(|noted| noted >= persisted) {
            return;
        }
        match self.file.write_all_at(&persisted.0.to_be_bytes(), 0) {
            Ok(()) => (self.noted, self.failing) = (Some(persisted), false),
            Err(error) if self.failing => tracing::debug!(%error, "the watermark still cannot be written"),
            Err(error) => {
                self.failing = true;
                tracing::error!(%error, "the watermark cannot be written: a restored store would not be found out");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_an_older_copy_when_it_is_behind_its_watermark_or_has_none() {
        let keys = tempfile::tempdir().unwrap();
        let mut watermark = Watermark::open(keys.path()).unwrap();
        assert!(!watermark.is_above(Timestamp(0)), "a new store");
        assert!(watermark.is_above(Timestamp(5)), "a store that came without its keys directory");
        watermark.begin(Timestamp(5)).unwrap();
        watermark.note(Timestamp(9));
        watermark.note(Timestamp(7));
        let again = Watermark::open(keys.path()).unwrap();
        for (persisted, above) in [(8, true), (9, false), (10, false)] {
            assert_eq!(again.is_above(Timestamp(persisted)), above, "{persisted}");
        }
    }

    #[test]
    fn a_watermark_that_holds_half_a_note_holds_none() {
        let keys = tempfile::tempdir().unwrap();
        std::fs::write(keys.path().join(FILE), [1, 2, 3]).unwrap();
        assert!(Watermark::open(keys.path()).unwrap().is_above(Timestamp(1)));
    }
}
