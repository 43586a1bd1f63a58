//! The link's state, decided locally from heartbeat round trips, never from backlog. Safety never depends on it: it decides what
//! people are shown, and when to stop asking.

use crate::link_history::LinkHistory;
use crate::message::{Heartbeat, Hello};
use crate::settings::Settings;
use serde::{Deserialize, Serialize};
use shared::entry::Head;
use shared::time::Timestamp;
use std::collections::VecDeque;

/// Nonces of earlier sessions that are remembered.
const NONCES_REMEMBERED: usize = 64;

/// How one side stands with the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// Heads were proven equal; seats may be claimed.
    Live,
    /// No round trip for a while.
    Suspect,
    /// Each side treats the other's seats as unavailable.
    LockedDown,
    /// In session again, completing both logs.
    Reconciling,
}

impl LinkState {
    /// The word on the wire and on screens.
    pub fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Suspect => "suspect",
            Self::LockedDown => "locked_down",
            Self::Reconciling => "reconciling",
        }
    }
}

/// One link session's timers and facts.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) state: LinkState,
    pub(crate) since: Timestamp,
    /// The pipe to the peer is there: the broker answers.
    pub(crate) connected: bool,
    pub(crate) work_offline: bool,
    pub(crate) my_nonce: u64,
    pub(crate) peer_nonce: Option<u64>,
    /// The peer has named my nonce: it hears me.
    pub(crate) confirmed: bool,
    /// What the peer said when the session opened.
    pub(crate) peer_hello: Option<Hello>,
    /// The own head as I said it when the session opened.
    pub(crate) stated: Head,
    pub(crate) peer_can_sell: bool,
    /// The head that the peer stated is not on the line of its log that is here.
    pub(crate) apart: bool,
    pub(crate) peer_last_heard: Option<Timestamp>,
    pub(crate) hello_due: bool,
    /// The nonce to name in a Hello while there is no session.
    pub(crate) stray: u64,
    pub(crate) answer_due: bool,
    beat: u32,
    peer_beat: u32,
    echoed: u32,
    round_trip_at: Timestamp,
    next_beat: Timestamp,
    settings: Settings,
    /// The peer's nonces of sessions that are over: a late copy of their Hello opens nothing.
    left: VecDeque<u64>,
    away_since: Timestamp,
    history: LinkHistory,
}

impl Link {
    pub(crate) fn new(settings: Settings, nonce: u64, now: Timestamp) -> Self {
        Self {
            state: LinkState::LockedDown,
            since: now,
            connected: false,
            work_offline: false,
            my_nonce: nonce,
            peer_nonce: None,
            confirmed: false,
            peer_hello: None,
            stated: Head::default(),
            peer_can_sell: false,
            apart: false,
            peer_last_heard: None,
            hello_due: false,
            stray: 0,
            answer_due: false,
            beat: 0,
            peer_beat: 0,
            echoed: 0,
            round_trip_at: now,
            next_beat: now,
            settings,
            left: VecDeque::new(),
            away_since: now,
            history: LinkHistory::default(),
        }
    }

    /// How long of the last 24 h the link was not live.
    pub(crate) fn away(&self, now: Timestamp) -> std::time::Duration {
        self.history.away(now)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.state == LinkState::Live
    }

    /// Moves to another state; true if it is another one.
    pub(crate) fn enter(&mut self, state: LinkState, now: Timestamp) -> bool {
        let changed = self.state != state;
        if changed {
            match (self.state, state) {
                (LinkState::Live, _) => self.away_since = now,
                (_, LinkState::Live) => self.history.note(self.away_since, now),
                _ => {}
            }
            (self.state, self.since) = (state, now);
        }
        changed
    }

    /// Ends the session: the next message of this side is a Hello under a new nonce.
    pub(crate) fn end_session(&mut self, nonce: u64) {
        self.my_nonce = nonce;
        self.leave();
        self.peer_nonce = None;
        self.peer_hello = None;
        self.confirmed = false;
        self.answer_due = false;
    }

    fn leave(&mut self) {
        self.left.extend(self.peer_nonce);
        if self.left.len() > NONCES_REMEMBERED {
            self.left.pop_front();
        }
    }

    /// Was this nonce the peer's in a session that is over?
    pub(crate) fn has_left(&self, peer_nonce: u64) -> bool {
        self.left.contains(&peer_nonce)
    }

    /// Opens a session with the peer's Hello.
    pub(crate) fn open_session(&mut self, peer_nonce: u64, hello: Hello, now: Timestamp) {
        self.leave();
        self.peer_nonce = Some(peer_nonce);
        self.peer_hello = Some(hello);
        self.peer_can_sell = hello.can_sell;
        self.peer_last_heard = Some(now);
        self.round_trip_at = now;
        (self.beat, self.peer_beat, self.echoed) = (0, 0, 0);
        self.next_beat = now;
    }

    /// The peer was heard within the session.
    pub(crate) fn handle_heartbeat(&mut self, heartbeat: Heartbeat, now: Timestamp) {
        self.peer_can_sell = heartbeat.can_sell;
        self.peer_beat = self.peer_beat.max(heartbeat.n);
        // Only an echo not heard before proves that the peer hears me now.
        if heartbeat.echo > self.echoed && heartbeat.echo <= self.beat {
            self.echoed = heartbeat.echo;
            self.round_trip_at = now;
        }
        self.answer_due |= !heartbeat.answer;
    }

    /// The next heartbeat to send, if one is due: n, echo, answer.
    pub(crate) fn poll_heartbeat(&mut self, now: Timestamp) -> Option<(u32, u32, bool)> {
        self.peer_nonce?;
        let regular = self.next_beat <= now;
        if !regular && !self.answer_due {
            return None;
        }
        if regular {
            self.next_beat = now + self.settings.heartbeat;
            self.beat += 1;
        }
        self.answer_due = false;
        Some((self.beat, self.peer_beat, !regular))
    }

    /// What silence has done to the link: the state to enter, if any.
    pub(crate) fn silence(&self, now: Timestamp) -> Option<LinkState> {
        let silent = now.since(self.round_trip_at);
        match self.state {
            LinkState::Live if silent >= self.settings.suspect_after => Some(LinkState::Suspect),
            LinkState::Suspect if silent < self.settings.suspect_after && self.confirmed && self.connected => {
                Some(LinkState::Live)
            }
            LinkState::Suspect if now.since(self.since) >= self.settings.lock_down_after => Some(LinkState::LockedDown),
            LinkState::Reconciling if silent >= self.settings.suspect_after + self.settings.lock_down_after => {
                Some(LinkState::LockedDown)
            }
            LinkState::Live | LinkState::Suspect | LinkState::LockedDown | LinkState::Reconciling => None,
        }
    }

    /// A claim waited too long: do not wait for the heartbeat to say the same.
    pub(crate) fn doubt(&mut self, now: Timestamp) -> bool {
        self.round_trip_at = self.round_trip_at.min(now - self.settings.suspect_after);
        self.is_live() && self.enter(LinkState::Suspect, now)
    }

    /// When to look again.
    pub(crate) fn poll_timeout(&self) -> Option<Timestamp> {
        let beat = self.peer_nonce.map(|_| self.next_beat);
        let silence = match self.state {
            LinkState::Live => Some(self.round_trip_at + self.settings.suspect_after),
            LinkState::Suspect => Some(self.since + self.settings.lock_down_after),
            LinkState::Reconciling => {
                Some(self.round_trip_at + self.settings.suspect_after + self.settings.lock_down_after)
            }
            LinkState::LockedDown => None,
        };
        [beat, silence].into_iter().flatten().min()
    }
}
