//! The keys in memory, by which every scan is checked. Only the writer changes them, to what the database has after each commit, in the
//! order of the commits: a revocation is never undone by somebody who had read the keys before it.

use node::writer::Core;
use rusqlite::{Connection, Transaction};
use shared::keys::KeyRing;
use shared::time::Timestamp;
use std::sync::{Arc, PoisonError, RwLock};

/// The keys that are known now, as everybody reads them.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Arc<RwLock<Arc<KeyRing>>>);

impl Keys {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(ring))))
    }

    pub(crate) fn now(&self) -> Arc<KeyRing> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, ring: KeyRing) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }
}

/// The writer's core: of what the database has only the keys are in memory too.
pub(crate) struct Store {
    keys: Keys,
    /// What the batch under way makes of them.
    next: Option<KeyRing>,
}

impl Store {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, next: None }
    }

    /// The database has these keys once the batch is committed.
    pub(crate) fn keys_are(&mut self, ring: KeyRing) {
        self.next = Some(ring);
    }
}

impl Core for Store {
    type Engine = Connection;

    fn before_commit(&mut self, _tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }

    fn after_commit(&mut self) {
        if let Some(ring) = self.next.take() {
            self.keys.set(ring);
        }
    }

    fn poll_timeout(&self) -> Option<Timestamp> {
        None
    }

    fn handle_timeout(&mut self, _tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }

    fn reload(&mut self, _tx: &Transaction<'_>, _now: Timestamp) -> anyhow::Result<()> {
        // The keys in memory are those of the last commit.
        self.next = None;
        Ok(())
    }

    fn handle_failure(&mut self, _error: &anyhow::Error) {}
}

#[cfg(test)]
mod tests {
    use super::super::{FILE, SCHEMA, keep_certificate};
    use super::*;
    use node::clock::StoreClock;
    use node::sqlite;
    use node::writer::{Unwritable, WriteError, Writer};
    use shared::ids::{KeyId, TheatreId};
    use shared::keys::SecretKey;
    use std::time::Duration;

    /// The database may have so many pages: a disk that is full says the same.
    async fn set_room(writer: &Writer<Store>, pages: u32) {
        let set = writer.run(move |_, tx, _| {
            tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(())
        });
        set.await.expect("set");
    }

    fn revoking(number: u8) -> impl FnOnce(&mut Store, &Transaction<'_>, Timestamp) -> anyhow::Result<()> {
        move |store, tx, _| {
            let mut ring = KeyRing::new(SecretKey::from_seed(&[1; 32]).public(), TheatreId(12));
            (1..=number).for_each(|one| ring.revoke(KeyId([one; 4])));
            store.keys_are(ring);
            keep_certificate(tx, &format!("{number}{}", "x".repeat(2000)))?;
            Ok(())
        }
    }

    #[tokio::test]
    async fn keys_change_with_what_is_on_disk_and_a_full_disk_ends_no_door() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = sqlite::open(&folder.path().join(FILE), &SCHEMA).expect("opened");
        let keys = Keys::new(KeyRing::new(SecretKey::from_seed(&[1; 32]).public(), TheatreId(12)));
        let revoked = || keys.now().revoked().count();
        let (writer, thread) = Writer::start(db, Store::new(keys.clone()), StoreClock::manual(), 16).expect("started");
        let pages =
            writer.run(|_, tx, _| Ok(tx.pragma_query_value(None, "page_count", |row| row.get::<_, u32>(0))?)).await;
        set_room(&writer, pages.expect("pages") + 8).await;
        let mut kept = 0;
        let refused = loop {
            match writer.run(revoking(kept + 1)).await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
            assert_eq!(revoked(), usize::from(kept));
        };
        assert_eq!((refused, revoked()), (WriteError::Unwritable(Unwritable::DiskFull), usize::from(kept)));
        assert!(kept > 0);
        set_room(&writer, 10_000).await;
        while writer.unwritable().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        writer.run(revoking(kept + 1)).await.expect("there is room");
        assert_eq!((writer.stopped(), revoked()), (None, usize::from(kept) + 1));
        thread.stop().await;
    }
}
