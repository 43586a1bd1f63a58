//! Bugs planted on purpose, to prove that the simulation would find them. Without the feature `planted`, which only the tests
//! enable, [`is`] is always false and nothing of this remains in a program.

macro_rules! plants {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// A bug that can be planted, named after what is then wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Plant {
            $($(#[$doc])* $name,)*
        }

        impl Plant {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

plants! {
    /// An ack leaves before the transaction is on disk.
    AckBeforeCommit = "ack_before_commit";
    /// Entries leave before the transaction is on disk.
    PublishBeforeCommit = "publish_before_commit";
    /// A ticket is handed over before its sale is on disk.
    AnswerBeforeCommit = "answer_before_commit";
    /// The other side's entries are stored in one transaction, what they change in the next.
    BatchHalfApplied = "batch_half_applied";
    /// Deadlines are judged by the wall clock.
    WallClockDeadline = "hold_deadline_on_the_wall_clock";
    /// A scanner does not keep what it admitted alone.
    ScansNotKept = "scans_not_kept";
    /// The edge accepts a void without waiting for the doors.
    VoidWithoutDoors = "void_without_the_doors";
}

impl Plant {
    /// Reads a name.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|plant| plant.word() == word)
    }
}

#[cfg(feature = "planted")]
std::thread_local! {
    static PLANTED: std::cell::Cell<Option<Plant>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug for this thread, or none.
#[cfg(feature = "planted")]
pub fn plant(plant: Option<Plant>) {
    PLANTED.set(plant);
}

/// Is this bug planted?
#[cfg(feature = "planted")]
pub fn is(plant: Plant) -> bool {
    PLANTED.get() == Some(plant)
}

/// Is this bug planted? Never.
#[cfg(not(feature = "planted"))]
pub const fn is(_plant: Plant) -> bool {
    false
}
