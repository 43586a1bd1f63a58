//! What goes to the broker over one connection: messages, and the questions whether it is there and what it takes.

use super::session::Heard;
use super::status::{Standing, Trouble, TroubleKind};
use super::{LinkConfig, Outgoing};
use rumqttc::mqttbytes::v5::PubAckReason;
use rumqttc::{AsyncClient, PublishOptions, PublishResult};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// A filter that nobody subscribes to. Giving it up costs nothing and makes the broker answer.
const PROBE_FILTER: &str = "usher/probe";

/// How long the broker's word that it takes a topic is believed.
const TOPIC_BELIEVED: Duration = Duration::from_secs(60);

/// Topics asked about at one time. Fewer than the client has room for, so that a slow broker stops no messages.
const TOPICS_ASKED_MAX: usize = 4;

/// Hands messages to the client, and asks a broker that has been silent for half the time for a sign of life.
pub(super) struct Feed<'a> {
    client: &'a AsyncClient,
    standing: &'a Standing,
    heard: &'a Heard,
    ask_after: Duration,
    topics: Topics,
}

impl<'a> Feed<'a> {
    pub(super) fn new(client: &'a AsyncClient, standing: &'a Standing, heard: &'a Heard, config: &LinkConfig) -> Self {
        let ask_after = super::session::bounded(config.keep_alive) / 2;
        Self { client, standing, heard, ask_after, topics: Topics::new() }
    }

    /// Runs until the connection is of no more use and says why.
    pub(super) async fn run(mut self, waiting: &mut mpsc::Receiver<Outgoing>) -> Trouble {
        let mut asked = self.heard.last();
        loop {
            let ask = self.heard.last().max(asked) + self.ask_after;
            tokio::select! {
                message = waiting.recv() => {
                    let Some(message) = message else { return lost("nobody publishes any more") };
                    if let Err(trouble) = self.send(message).await {
                        return trouble;
                    }
                }
                Some(answer) = self.topics.answers.join_next() => {
                    if let Ok(Some(Answer { topic, refusal })) = answer {
                        match refusal {
                            None => self.standing.topic_taken(&topic),
                            Some(reason) => self.standing.topic_refused(topic, reason),
                        }
                    }
                }
                () = sleep_until(ask) => {
                    if self.heard.last() + self.ask_after <= Instant::now() {
                        asked = Instant::now();
                        // A full queue means that the client is stuck, which the silence will show.
                        let _ = self.client.try_unsubscribe(PROBE_FILTER);
                    }
                }
            }
        }
    }

    async fn send(&mut self, message: Outgoing) -> Result<(), Trouble> {
        let Outgoing { topic, payload } = message;
        if !self.topics.must_ask(&topic) {
            let sent = self.client.publish(topic, payload, PublishOptions::at_most_once()).await;
            return sent.map_err(|error| lost(format!("publish: {error}")));
        }
        let options = PublishOptions::at_least_once();
        let notice = self.client.publish_tracked(topic.clone(), payload, options).await;
        let notice = notice.map_err(|error| lost(format!("publish: {error}")))?;
        self.topics.answers.spawn(async move {
            let refusal = match notice.wait_async().await {
                Ok(PublishResult::Qos1(answer)) => match answer.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => None,
                    refusal => Some(format!("{refusal:?}")),
                },
                // The connection ended first.
                _ => return None,
            };
            Some(Answer { topic, refusal })
        });
        Ok(())
    }
}

fn lost(story: impl Into<String>) -> Trouble {
    Trouble::new(TroubleKind::Lost, story)
}

/// Which topics the broker was asked about. At quality of service 0 it drops what it refuses without a word; so now
/// and then one message for each topic goes at 1, which it must answer.
struct Topics {
    asked: BTreeSet<String>,
    since: Instant,
    answers: JoinSet<Option<Answer>>,
}

struct Answer {
    topic: String,
    refusal: Option<String>,
}

impl Topics {
    fn new() -> Self {
        Self { asked: BTreeSet::new(), since: Instant::now(), answers: JoinSet::new() }
    }

    fn must_ask(&mut self, topic: &str) -> bool {
        if self.since.elapsed() > TOPIC_BELIEVED {
            self.asked.clear();
            self.since = Instant::now();
        }
        if self.asked.contains(topic) || self.answers.len() >= TOPICS_ASKED_MAX {
            return false;
        }
        self.asked.insert(topic.to_owned())
    }
}
