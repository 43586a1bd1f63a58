//! What a door is told about a ticket: colour, stable code, guarantee, and one sentence that says what to do.

use crate::ids::{ScreenId, TicketId};
use crate::ticket::TicketBody;
use crate::time::Timestamp;
use std::fmt;
use std::time::Duration;

/// The four answers, each with its colour and its sign on screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerdictKind {
    /// Green: let in.
    Admit,
    /// Yellow: this entry has been used.
    Already,
    /// Amber: good or not, this door cannot say. Never shown as invalid.
    Unknown,
    /// Red: not let in.
    Refuse,
}

impl VerdictKind {
    /// `admit already unknown refuse`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Already => "already",
            Self::Unknown => "unknown",
            Self::Refuse => "refuse",
        }
    }
}

macro_rules! verdict_codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $kind:ident;)*) => {
        /// Why a verdict is what it is. Codes are stable and appear in HTTP answers and on screens.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum VerdictCode {
            $($(#[$doc])* $name,)*
        }

        impl VerdictCode {
            /// Every code.
            pub const ALL: &'static [VerdictCode] = &[$(Self::$name,)*];

            /// The stable snake_case code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The verdict that goes with it, always the same.
            pub fn kind(self) -> VerdictKind {
                match self { $(Self::$name => VerdictKind::$kind,)* }
            }
        }
    };
}

verdict_codes! {
    /// Signed, known and not used.
    Ok = "ok", Admit;
    /// Signed, but for a show this device never heard of.
    ShowNotKnown = "show_not_known", Admit;
    /// A supervisor has let the bearer in against the verdict.
    Overridden = "overridden", Admit;
    /// This ticket has been used.
    AlreadyAdmitted = "already_admitted", Already;
    /// Another ticket has been used for the same seat of the show.
    SeatTaken = "seat_taken", Already;
    /// No certificate for the key that signed it.
    UnknownKey = "unknown_key", Unknown;
    /// Signed by the edge or with a doubtful key, and the book does not have it.
    NotInBook = "not_in_book", Unknown;
    /// Not a ticket but a certificate of this theatre, which is known here from now on.
    KeyLearned = "key_learned", Unknown;
    /// A short code under which the book has no ticket.
    CodeNotKnown = "code_not_known", Unknown;
    /// A short code under which several tickets may come in: somebody must say which.
    ChooseTickets = "choose_tickets", Unknown;
    /// Short codes were guessed: none counts for a while.
    TooManyCodes = "too_many_codes", Unknown;
    /// Somebody has declared this device off: it does not hear which tickets have ended.
    DeviceOff = "device_off", Unknown;
    /// A ticket in a format that this device does not know yet.
    UpgradeNeeded = "upgrade_needed", Unknown;
    /// Not a ticket code.
    Malformed = "malformed", Refuse;
    /// The named key has not signed it.
    BadSignature = "bad_signature", Refuse;
    /// The ticket is void, or its void is asked for.
    Void = "void", Refuse;
    /// Signed with a revoked key, and in no list.
    Revoked = "revoked", Refuse;
    /// For another theatre.
    WrongTheatre = "wrong_theatre", Refuse;
    /// For a show this door does not serve.
    WrongShow = "wrong_show", Refuse;
    /// For a screen this door does not serve.
    WrongScreen = "wrong_screen", Refuse;
    /// Before the show's doors open.
    TooEarly = "too_early", Refuse;
    /// After the show.
    TooLate = "too_late", Refuse;
    /// The seat has been sold again since.
    Superseded = "superseded", Refuse;
    /// The show is cancelled.
    ShowCancelled = "show_cancelled", Refuse;
}

impl VerdictCode {
    /// Reads a stable code back.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.code() == code)
    }

    /// Whether a door refuses by its own settings, where the box would let in.
    pub fn is_of_the_door(self) -> bool {
        matches!(self, Self::WrongScreen | Self::WrongShow | Self::TooEarly)
    }
}

impl fmt::Display for VerdictCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// How far "once" reaches. It is shown, never switched by hand. The order is from strongest to weakest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// The edge answered: once in the whole theatre.
    Shared,
    /// Signature, synced list and own admissions: duplicates across doors are possible.
    Solo,
    /// Solo, and the synced list is older than the limit or was never there.
    Stale,
}

impl Guarantee {
    /// Reads the word back.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Shared, Self::Solo, Self::Stale].into_iter().find(|level| level.word() == word)
    }

    /// What a device that answers by itself can promise, from the age of its list (`None`: never synced).
    pub fn alone(data_age: Option<Duration>, limit: Duration) -> Self {
        match data_age {
            Some(age) if age <= limit => Self::Solo,
            _ => Self::Stale,
        }
    }

    /// `SHARED SOLO STALE`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Shared => "SHARED",
            Self::Solo => "SOLO",
            Self::Stale => "STALE",
        }
    }
}

/// One accepted entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Admission {
    /// When, by the admitting device's clock.
    pub at: Timestamp,
    /// The door's name.
    pub door: String,
}

/// The answer to a scan. What the code did not say, or what must not be believed of it, is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why.
    pub code: VerdictCode,
    /// How far the answer reaches.
    pub guarantee: Guarantee,
    /// The ticket, where the code could be read.
    pub ticket: Option<TicketId>,
    /// The seat's label.
    pub seat: Option<String>,
    /// The screen to go to.
    pub screen: Option<ScreenId>,
    /// The show's title, where this device knows the show.
    pub title: Option<String>,
    /// The admission that came first, where the verdict is `already`.
    pub first: Option<Admission>,
    /// How long until the show's doors open, where it is too early.
    pub opens_in: Option<Duration>,
}

impl Verdict {
    /// An answer to a code that could not be read.
    pub fn bare(code: VerdictCode, guarantee: Guarantee) -> Self {
        Self { code, guarantee, ticket: None, seat: None, screen: None, title: None, first: None, opens_in: None }
    }

    /// An answer that names the ticket, its seat and its screen.
    pub fn of(ticket: &TicketBody, code: VerdictCode, guarantee: Guarantee) -> Self {
        let (seat, screen) = (Some(ticket.seat()), Some(ticket.screen));
        Self { ticket: Some(ticket.ticket), seat, screen, ..Self::bare(code, guarantee) }
    }

    /// The colour.
    pub fn kind(&self) -> VerdictKind {
        self.code.kind()
    }

    /// What it means and what to do, for the person at the door.
    pub fn text(&self) -> String {
        let screen = self.screen.map(|screen| format!("Screen {screen}"));
        let screen = screen.as_deref().unwrap_or("another screen");
        match self.code {
            VerdictCode::Ok => match &self.seat {
                Some(seat) => format!("Welcome: seat {seat}, {screen}."),
                None => "Welcome.".to_owned(),
            },
            VerdictCode::ShowNotKnown => {
                format!("Genuine ticket, but this show is not known here: check that it is {screen}, now.")
            }
            VerdictCode::Overridden => "A supervisor lets the bearer in; it is written down.".to_owned(),
            VerdictCode::AlreadyAdmitted => match &self.first {
                Some(first) => format!("Already admitted at {}: ask who is in the seat.", first.door),
                None => "Already admitted: ask who is in the seat.".to_owned(),
            },
            VerdictCode::SeatTaken => "Another ticket was admitted for this seat: call the manager.".to_owned(),
            VerdictCode::UnknownKey => {
                "This device does not know the signing key: scan the certificate, or ask the manager.".to_owned()
            }
            VerdictCode::KeyLearned => "This device knows the new key now: scan the ticket again.".to_owned(),
            VerdictCode::NotInBook => "Signed, but not in the book: ask the manager.".to_owned(),
            VerdictCode::CodeNotKnown => {
                "No ticket under this code is known here: scan the square code, or ask the manager.".to_owned()
            }
            VerdictCode::ChooseTickets => "Several tickets under this code: choose who comes in.".to_owned(),
            VerdictCode::TooManyCodes => {
                "Too many wrong codes: short codes count again in a few minutes. Scan the square code.".to_owned()
            }
            VerdictCode::DeviceOff => {
                "This device was declared off: send the guest to another door. A manager declares it on at the box, or pairs it anew."
                    .to_owned()
            }
            VerdictCode::UpgradeNeeded => {
                "A newer kind of ticket than this device can read: another door may know it, or ask the manager."
                    .to_owned()
            }
            VerdictCode::Malformed => "Not a ticket code: scan the square code on the ticket again.".to_owned(),
            VerdictCode::BadSignature => "Not a genuine ticket: do not admit, send to the counter.".to_owned(),
            VerdictCode::Void => "Cancelled ticket: do not admit, send to the counter.".to_owned(),
            VerdictCode::Revoked => "Signed with a revoked key: do not admit, send to the counter.".to_owned(),
            VerdictCode::WrongTheatre => "Ticket for another theatre: show the address on the ticket.".to_owned(),
            VerdictCode::WrongShow => "Ticket for another show: check title and time on the ticket.".to_owned(),
            VerdictCode::WrongScreen => format!("Wrong screen: send to {screen} →"),
            VerdictCode::TooEarly => match self.opens_in {
                Some(wait) => format!("Too early: admission opens in {}.", in_words(wait)),
                None => "Too early: admission is not open yet.".to_owned(),
            },
            VerdictCode::TooLate => "This show is over: check the date on the ticket.".to_owned(),
            VerdictCode::Superseded => "This seat was sold again: do not admit, send to the counter.".to_owned(),
            VerdictCode::ShowCancelled => "This show is cancelled: send to the counter.".to_owned(),
        }
    }
}

fn in_words(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60);
    let plural = |count: u64, noun| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    match minutes {
        0..=119 => plural(minutes, "minute"),
        120..=2879 => plural(minutes / 60, "hour"),
        _ => plural(minutes / 1440, "day"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_has_a_sentence() {
        for &code in VerdictCode::ALL {
            assert_eq!(VerdictCode::from_code(code.code()), Some(code));
            let verdict = Verdict::bare(code, Guarantee::Solo);
            assert!(verdict.text().len() > 7, "{code}");
        }
    }

    #[test]
    fn data_of_unknown_or_great_age_is_stale() {
        let limit = Duration::from_secs(600);
        assert_eq!(Guarantee::alone(Some(limit), limit), Guarantee::Solo);
        assert_eq!(Guarantee::alone(Some(limit + Duration::from_secs(1)), limit), Guarantee::Stale);
        assert_eq!(Guarantee::alone(None, limit), Guarantee::Stale);
    }

    #[test]
    fn a_wait_is_said_in_the_unit_one_thinks_in() {
        let said = |minutes: u64| in_words(Duration::from_secs(minutes * 60 - 30));
        assert_eq!(
            (said(1), said(45), said(180), said(4000)),
            ("1 minute".into(), "45 minutes".into(), "3 hours".into(), "2 days".into())
        );
    }
}
