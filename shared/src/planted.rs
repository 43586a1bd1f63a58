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
    /// Whose a seat is does not matter, nor since when.
    EpochIgnored = "epoch_ignored";
    /// Entries that are here already are taken in again.
    NoDedupe = "no_dedupe";
    /// Entries are taken in though some before them are missing.
    GapAccepted = "gap_accepted";
    /// A giver takes back what nobody has acknowledged in a cut.
    HandoverCancelled = "handover_cancelled_by_timeout";
    /// A hold does not keep its seat from being given away.
    HeldSeatHandedOver = "held_seat_handed_over";
    /// Seats are given away though the link is not live.
    MovedWithoutLink = "seats_moved_without_a_link";
    /// A box sells from its start on, whatever others remember.
    BootGateOff = "boot_gate_off";
    /// A central put back from a backup goes on as if nothing had happened.
    RestoredCentralSells = "restored_central_sells";
    /// Heads are the same where their numbers are.
    NumbersCompared = "numbers_compared_instead_of_hashes";
    /// Entries of an incarnation go on behind its end.
    CutNotHeeded = "cut_not_heeded";
    /// Entries beyond a cut are dropped without a word.
    BeyondCutDropped = "entries_beyond_a_cut_dropped";
    /// What was set aside when a log was taken back is not written again.
    SetAsideDropped = "set_aside_facts_dropped";
    /// Entries are taken in though their writer had seen more than there is.
    SeenIgnored = "seen_ignored";
    /// A cut leaves free what was free.
    SeatsFreeAfterCut = "seats_free_after_a_cut";
    /// Seats on their way at a cut arrive free.
    TransitFreeAfterCut = "seats_in_transit_free_after_a_cut";
    /// A closed node goes on selling.
    ClosedNodeSells = "closed_node_sells";
    /// In a cut a sale is told before the witness has it.
    WitnessNotAwaited = "witness_not_awaited";
    /// A seat is resold when its void is asked for.
    ResoldBeforeAcceptance = "void_resold_before_acceptance";
    /// A ticket ends though somebody walked in on it.
    UsedTicketEnded = "used_ticket_ended";
    /// A seat is resold at the generation it had.
    GenerationUnchecked = "generation_unchecked";
    /// A cancelled show goes on being sold.
    CancelledShowSold = "cancelled_show_sold";
    /// A hold that has ended is sold.
    ExpiredHoldSold = "expired_hold_sold";
    /// A hold is renewed beyond its cap.
    HoldCapIgnored = "hold_cap_ignored";
    /// A door admits on a ticket that has ended.
    EndedTicketAdmitted = "ended_ticket_admitted";
    /// A door admits on one ticket again and again.
    AdmittedAgain = "ticket_admitted_again";
    /// A door does not look at the signature.
    ForgedTicketAdmitted = "forged_ticket_admitted";
    /// An entry that does not apply is stored, and nobody is told.
    NotAppliedDropped = "entries_that_do_not_apply_dropped";
    /// What was set aside and does not apply any more is dropped without a word.
    SetAsideNotListed = "set_aside_facts_not_listed";
    /// Two chains of one log are known, and the node goes on with the one it had.
    ForkIgnored = "fork_ignored";
    /// A node asks the other side before it sells its own seats.
    OwnSeatsRefusedInACut = "own_seats_refused_in_a_cut";
    /// What is cut off a log is kept nowhere.
    CutOffNotKept = "what_is_cut_off_is_not_kept";
    /// The named witness drops entries before central has them.
    WitnessDropsEarly = "witness_drops_what_central_has_not";
    /// Chance has another source than the seed.
    ChanceOfItsOwn = "chance_of_its_own";
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
    static CHANCES: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
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

/// What no seed decides: nothing, unless that bug is planted.
#[cfg(feature = "planted")]
pub fn chance() -> u64 {
    if is(Plant::ChanceOfItsOwn) { CHANCES.replace(CHANCES.get() + 1) << 32 } else { 0 }
}

/// What no seed decides: nothing.
#[cfg(not(feature = "planted"))]
pub const fn chance() -> u64 {
    0
}
