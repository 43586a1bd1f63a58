//! A log as a node keeps it: real entries with the heads after them.

use shared::entry::{Entry, Fact, Head};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// An entry in its place.
#[derive(Debug)]
pub struct Written {
    /// The entry.
    pub entry: Entry,
    /// The log's head after it.
    pub head: Head,
}

/// How a log and another's copy of it lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The copy holds nothing that the log does not.
    Covered,
    /// The copy goes on where the log ends.
    Longer,
    /// They go on differently, in different incarnations.
    Apart,
    /// They go on differently in one incarnation.
    Forked,
}

/// A log from its first entry on. Copying one is cheap.
#[derive(Clone, Default)]
pub struct Log(Arc<Vec<Arc<Written>>>);

impl Log {
    /// How many entries.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Nothing written yet?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The head; all zero before the first entry.
    pub fn head(&self) -> Head {
        self.0.last().map_or_else(Head::default, |written| written.head)
    }

    /// Entry `number`, from 1.
    pub fn get(&self, number: u64) -> Option<&Arc<Written>> {
        let before = number.checked_sub(1)?;
        self.0.get(before as usize)
    }

    /// All entries, in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Arc<Written>> {
        self.0.iter()
    }

    /// The entry in its place after this log's last one.
    ///
    /// # Panics
    /// If the entry is longer than an entry may be: the model writes none that is.
    pub fn next(&self, entry: Entry) -> Arc<Written> {
        let bytes = entry.encode().expect("the model's entries are short");
        let before = self.head();
        let incarnation = match entry.fact {
            Fact::LogOpened { incarnation, .. } => incarnation,
            _ => before.incarnation,
        };
        let head = Head { incarnation, seq: before.seq + 1, hash: before.hash.chain(&bytes) };
        Arc::new(Written { entry, head })
    }

    /// This log with one entry more.
    pub fn with(&self, written: Arc<Written>) -> Self {
        let mut entries = Vec::with_capacity(self.0.len() + 1);
        entries.extend(self.0.iter().cloned());
        entries.push(written);
        Self(Arc::new(entries))
    }

    /// The first `count` entries.
    pub fn prefix(&self, count: u64) -> Self {
        if count >= self.len() {
            return self.clone();
        }
        Self(Arc::new(self.0.iter().take(count as usize).cloned().collect()))
    }

    /// Does the other begin with all of this?
    pub fn is_prefix_of(&self, other: &Self) -> bool {
        match other.get(self.len()) {
            Some(written) => written.head == self.head(),
            None => self.is_empty(),
        }
    }

    /// How many entries both begin with.
    pub fn common(&self, other: &Self) -> u64 {
        self.0.iter().zip(other.0.iter()).take_while(|(one, two)| one.head == two.head).count() as u64
    }

    /// How another's copy lies to this log.
    pub fn relation(&self, copy: &Self) -> Relation {
        if copy.is_prefix_of(self) {
            return Relation::Covered;
        }
        if self.is_prefix_of(copy) {
            return Relation::Longer;
        }
        let split = self.common(copy) + 1;
        let incarnation = |log: &Self| log.get(split).map(|written| written.head.incarnation);
        if incarnation(self) == incarnation(copy) { Relation::Forked } else { Relation::Apart }
    }

    /// Eight bytes that name the log: the chain hash covers all of it.
    pub fn key(&self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.head().hash.0[..8]);
        u64::from_le_bytes(bytes)
    }
}

impl PartialEq for Log {
    fn eq(&self, other: &Self) -> bool {
        self.head() == other.head()
    }
}

impl Eq for Log {}

impl Hash for Log {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:04x}", self.len(), self.key() & 0xffff)
    }
}
