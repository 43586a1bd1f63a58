//! How the link stands: what operators are shown, and what is logged once.

use super::PACKET_MAX;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Short connections in a row from which on somebody should look.
const SHORT_MAX: u32 = 3;

/// Why the link does not carry what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TroubleKind {
    /// The client cannot be set up, for example because a certificate file cannot be read.
    Setup,
    /// Nobody answers at the broker's address.
    Unreachable,
    /// Broker and client do not trust each other's certificates.
    Tls,
    /// The broker refuses the login.
    LoginRefused,
    /// The broker refuses a subscription.
    SubscriptionRefused,
    /// The broker refuses messages on a topic. The link is up and carries the others.
    PublishRefused,
    /// A message is larger than the broker takes. The link is up and carries the others.
    TooLarge,
    /// The broker says that somebody else connected under this client id: a second box with this identity.
    TakenOver,
    /// The broker ends the connection again and again soon after it came up. Not every broker says it when there is a
    /// second box with this identity, and not every word of a broker reaches us: this is how it looks then.
    ThrownOut,
    /// The connection is there, but the broker has said nothing for the keep-alive time.
    Silent,
    /// The connection broke.
    Lost,
}

impl TroubleKind {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Unreachable => "unreachable",
            Self::Tls => "tls",
            Self::LoginRefused => "login_refused",
            Self::SubscriptionRefused => "subscription_refused",
            Self::PublishRefused => "publish_refused",
            Self::TooLarge => "too_large",
            Self::TakenOver => "taken_over",
            Self::ThrownOut => "thrown_out",
            Self::Silent => "silent",
            Self::Lost => "lost",
        }
    }
}

/// One trouble with its story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// What happened to what, for the log.
    pub story: String,
}

impl Trouble {
    /// Whether a new connection does not yet mean that it is over.
    fn outlasts_connection(&self) -> bool {
        matches!(self.kind, TroubleKind::TakenOver | TroubleKind::ThrownOut)
    }

    pub(super) fn new(kind: TroubleKind, story: impl Into<String>) -> Self {
        Self { kind, story: story.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.story)
    }
}

/// How the link stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkStatus {
    /// Whether it is up.
    pub up: bool,
    /// What is wrong, if anything is; a link that is up may still be refused a topic.
    pub trouble: Option<Trouble>,
}

/// What the link's task and its publishers share.
#[derive(Debug)]
pub(super) struct Standing {
    up: AtomicBool,
    packet_max: AtomicU32,
    /// After this time a connection counts as one that lasts.
    lasting: Duration,
    troubles: Mutex<Troubles>,
}

#[derive(Debug, Default)]
struct Troubles {
    /// Why the connection broke or does not come about.
    connection: Option<Trouble>,
    up_since: Option<Instant>,
    /// Connections in a row that came up and were ended by the broker's side before they lasted.
    short: u32,
    /// Topics that the broker refuses, with its reason. They are the program's own, so there is an end to them.
    refused: BTreeMap<String, String>,
    too_large: Option<String>,
}

/// How a connection was, at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    NeverUp,
    Short,
    Lasting,
}

impl Standing {
    /// `lasting`: how long a connection must be up before its end is a surprise.
    pub(super) fn new(lasting: Duration) -> Self {
        let (up, packet_max) = (AtomicBool::new(false), AtomicU32::new(PACKET_MAX));
        Self { up, packet_max, lasting, troubles: Mutex::default() }
    }

    fn troubles(&self) -> MutexGuard<'_, Troubles> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    /// The broker answered, and says how large a packet it takes, bytes.
    pub(super) fn connected(&self, packet_max: Option<u32>) {
        self.packet_max.store(packet_max.unwrap_or(PACKET_MAX).min(PACKET_MAX), Ordering::Relaxed);
        self.troubles().too_large = None;
    }

    pub(super) fn came_up(&self) {
        let mut troubles = self.troubles();
        troubles.up_since = Some(Instant::now());
        troubles.connection.take_if(|trouble| !trouble.outlasts_connection());
        self.up.store(true, Ordering::Relaxed);
        tracing::info!("link up");
    }

    /// Logged once for each cause: a broker that is away for a night fills no disk.
    pub(super) fn went_down(&self, mut trouble: Trouble) -> Was {
        let was_up = self.up.swap(false, Ordering::Relaxed);
        let mut troubles = self.troubles();
        let was = match troubles.up_since.take() {
            None => Was::NeverUp,
            Some(since) if since.elapsed() < self.lasting => Was::Short,
            Some(_) => Was::Lasting,
        };
        let ended_by_broker = matches!(trouble.kind, TroubleKind::Lost | TroubleKind::TakenOver);
        troubles.short = if was == Was::Short && ended_by_broker { troubles.short + 1 } else { 0 };
        if trouble.kind == TroubleKind::Lost && troubles.short >= SHORT_MAX {
            trouble.kind = TroubleKind::ThrownOut;
            trouble.story = format!("{}, soon after it came up, {} times in a row", trouble.story, troubles.short);
        }
        let news = troubles.connection.as_ref().is_none_or(|known| known.kind != trouble.kind);
        if was_up {
            tracing::warn!(%trouble, "link down");
        } else if news {
            tracing::warn!(%trouble, "no connection to the broker");
        } else {
            tracing::debug!(%trouble, "still no connection to the broker");
        }
        troubles.connection = Some(trouble);
        was
    }

    pub(super) fn stopped(&self) {
        self.up.store(false, Ordering::Relaxed);
    }

    /// Whether the broker takes a packet of this size. Its refusal is logged once for each connection.
    pub(super) fn takes(&self, topic: &str, packet_bytes: usize) -> bool {
        let packet_max = self.packet_max.load(Ordering::Relaxed);
        let taken = u32::try_from(packet_bytes).is_ok_and(|bytes| bytes <= packet_max);
        if !taken {
            let mut troubles = self.troubles();
            if troubles.too_large.is_none() {
                let story = format!("{packet_bytes} bytes for {topic}, and the broker takes {packet_max}");
                tracing::error!(story, "a message is too large for the broker and was dropped");
                troubles.too_large = Some(story);
            }
        }
        taken
    }

    /// The broker refuses a topic. Logged once until it takes it again.
    pub(super) fn topic_refused(&self, topic: String, reason: String) {
        let mut troubles = self.troubles();
        if !troubles.refused.contains_key(&topic) {
            tracing::error!(topic, reason, "the broker refuses messages on a topic");
        }
        troubles.refused.insert(topic, reason);
    }

    pub(super) fn topic_taken(&self, topic: &str) {
        if self.troubles().refused.remove(topic).is_some() {
            tracing::info!(topic, "the broker takes messages on the topic again");
        }
    }

    pub(super) fn status(&self) -> LinkStatus {
        let troubles = self.troubles();
        let refused = || {
            let (topic, reason) = troubles.refused.first_key_value()?;
            Some(Trouble::new(TroubleKind::PublishRefused, format!("{topic}: {reason}")))
        };
        let too_large = || Some(Trouble::new(TroubleKind::TooLarge, troubles.too_large.clone()?));
        let lasts = troubles.up_since.is_some_and(|since| since.elapsed() >= self.lasting);
        let connection = troubles.connection.clone().filter(|_| !lasts);
        let trouble = connection.or_else(refused).or_else(too_large);
        LinkStatus { up: self.is_up(), trouble }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn kind(standing: &Standing) -> Option<TroubleKind> {
        standing.status().trouble.map(|trouble| trouble.kind)
    }

    #[test]
    fn the_worst_trouble_is_shown_first_and_goes_when_it_is_over() {
        let standing = Standing::new(LONG);
        assert_eq!(kind(&standing), None);
        standing.came_up();
        standing.connected(Some(1000));
        assert!(standing.takes("up", 1000));
        assert!(!standing.takes("up", 1001));
        assert_eq!(kind(&standing), Some(TroubleKind::TooLarge));
        standing.topic_refused("up".into(), "NotAuthorized".into());
        assert_eq!(kind(&standing), Some(TroubleKind::PublishRefused));
        assert_eq!(standing.went_down(Trouble::new(TroubleKind::Silent, "for 5 s")), Was::Short);
        assert_eq!(standing.went_down(Trouble::new(TroubleKind::Unreachable, "nobody there")), Was::NeverUp);
        assert_eq!(standing.status().trouble.expect("trouble").to_string(), "unreachable: nobody there");
        standing.connected(None);
        standing.came_up();
        assert_eq!(kind(&standing), Some(TroubleKind::PublishRefused));
        standing.topic_taken("up");
        assert_eq!(standing.status(), LinkStatus { up: true, trouble: None });
    }

    #[test]
    fn whoever_is_thrown_out_again_and_again_is_told_so_until_a_connection_lasts() {
        let lost = || Trouble::new(TroubleKind::Lost, "closed");
        let standing = Standing::new(LONG);
        for expected in [TroubleKind::Lost, TroubleKind::Lost, TroubleKind::ThrownOut, TroubleKind::ThrownOut] {
            standing.came_up();
            assert_eq!(standing.went_down(lost()), Was::Short);
            assert_eq!(kind(&standing), Some(expected));
        }
        standing.came_up();
        assert_eq!(kind(&standing), Some(TroubleKind::ThrownOut));
        standing.went_down(Trouble::new(TroubleKind::Unreachable, "nobody there"));
        standing.came_up();
        standing.went_down(lost());
        assert_eq!(kind(&standing), Some(TroubleKind::Lost));

        let at_once = Standing::new(Duration::ZERO);
        at_once.came_up();
        assert_eq!(at_once.went_down(Trouble::new(TroubleKind::TakenOver, "by another")), Was::Lasting);
        assert_eq!(kind(&at_once), Some(TroubleKind::TakenOver));
        at_once.came_up();
        assert_eq!(kind(&at_once), None);
    }

    #[test]
    fn a_broker_that_takes_more_than_we_send_changes_nothing() {
        let standing = Standing::new(LONG);
        standing.connected(Some(u32::MAX));
        assert!(standing.takes("up", PACKET_MAX as usize));
        assert!(!standing.takes("up", PACKET_MAX as usize + 1));
    }
}
