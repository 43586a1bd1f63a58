//! The book in a file.

use super::Desk;
use super::book::Book;
use anyhow::Context;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

/// A changed book is written at most so often.
const SAVE_EVERY: Duration = Duration::from_millis(500);

/// The book in a file, an empty one where there is no file yet.
pub(super) fn read(file: &Path) -> anyhow::Result<Book> {
    match std::fs::read(file) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Book::restore).with_context(|| format!("decode {}", file.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Book::default()),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

/// Saves the book whenever it changed, for ever.
pub(super) async fn follow(desk: &Desk, file: Option<&Path>) {
    loop {
        tokio::time::sleep(SAVE_EVERY).await;
        save(desk, file);
    }
}

/// Saves the book if it changed.
pub(super) fn save(desk: &Desk, file: Option<&Path>) {
    let Some(file) = file else { return };
    let Some(saved) = desk.book().take_changed() else { return };
    let write = || {
        // Beside the file and renamed: a stop at any moment leaves the old book or the new one.
        let beside = file.with_extension("new");
        std::fs::write(&beside, serde_json::to_vec(&saved)?)?;
        std::fs::rename(&beside, file)
    };
    if let Err(error) = write() {
        tracing::warn!(file = %file.display(), %error, "the simulator's book could not be saved");
    }
}
