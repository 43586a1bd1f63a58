//! Where jobs wait: in the lane that everybody comes by, or in the one that is always emptied first.

use super::Core;
use super::job::Job;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// After so many in a row from the lane ahead, one of everybody's is taken for each further one: whoever floods the line keeps nobody out.
const IN_A_ROW_MAX: usize = super::BATCH_MAX / 2;

/// What the writer thread is told next.
pub(super) enum Message<C: Core> {
    // The place in the queue is given up first, so that whoever learns of a dropped job finds the count right.
    Job(Place, Box<dyn Job<C>>),
    Stop,
}

/// A job's place in the queue, and in everybody's lane if it comes by that: counted while it waits, however it leaves.
pub(super) struct Place {
    queue: Gauge,
    of_all: Option<Gauge>,
}

impl Place {
    fn take(queue: &Gauge, of_all: Option<&Gauge>) -> Self {
        let place = Self { queue: queue.clone(), of_all: of_all.cloned() };
        place.gauges().for_each(|gauge| {
            gauge.inc();
        });
        place
    }

    fn gauges(&self) -> impl Iterator<Item = &Gauge> {
        std::iter::once(&self.queue).chain(&self.of_all)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gauges().for_each(|gauge| {
            gauge.dec();
        });
    }
}

/// The lane that a job comes by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Lane {
    /// Everybody's, if with it at most so many jobs wait there.
    OfAll { room: usize },
    /// The one that is emptied first.
    Ahead,
}

/// Why a job was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    Full,
    /// The thread has ended.
    Ended,
}

/// What comes by the lane of everybody.
enum Common<C: Core> {
    Message(Message<C>),
    /// Somebody waits in the lane ahead: wakes a thread that sleeps.
    LookAhead,
}

/// The end at which jobs are handed in.
pub(super) struct Queue<C: Core> {
    common: SyncSender<Common<C>>,
    ahead: SyncSender<Message<C>>,
    to_look: Arc<AtomicBool>,
    depth: Gauge,
    /// How many of those come by everybody's lane.
    of_all: Gauge,
    capacity: usize,
}

impl<C: Core> Clone for Queue<C> {
    fn clone(&self) -> Self {
        let Self { common, ahead, to_look, depth, of_all, capacity } = self;
        let (common, ahead, to_look) = (common.clone(), ahead.clone(), to_look.clone());
        Self { common, ahead, to_look, depth: depth.clone(), of_all: of_all.clone(), capacity: *capacity }
    }
}

/// The end at which the writer thread takes them.
pub(super) struct Jobs<C: Core> {
    common: Receiver<Common<C>>,
    ahead: Receiver<Message<C>>,
    /// The thread was told to look into the lane ahead, and has not looked since.
    to_look: Arc<AtomicBool>,
    in_a_row: usize,
}

/// A queue in each of whose lanes so many jobs may wait; `depth` counts them all.
pub(super) fn queue<C: Core>(capacity: usize, depth: Gauge) -> (Queue<C>, Jobs<C>) {
    let ((common, to_all), (ahead, to_ahead)) = (sync_channel(capacity), sync_channel(capacity));
    let to_look: Arc<AtomicBool> = Arc::default();
    let jobs = Jobs { common: to_all, ahead: to_ahead, to_look: to_look.clone(), in_a_row: 0 };
    (Queue { common, ahead, to_look, depth, of_all: Gauge::default(), capacity }, jobs)
}

impl<C: Core> Queue<C> {
    /// How many jobs may wait in a lane.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Hands a job in.
    pub(super) fn offer(&self, job: Box<dyn Job<C>>, lane: Lane) -> Result<(), Refused> {
        match lane {
            Lane::OfAll { room } => {
                let place = Place::take(&self.depth, Some(&self.of_all));
                if room < self.capacity && usize::try_from(self.of_all.get()).is_ok_and(|waiting| waiting > room) {
                    return Err(Refused::Full);
                }
                Ok(self.common.try_send(Common::Message(Message::Job(place, job)))?)
            }
            Lane::Ahead => {
                self.ahead.try_send(Message::Job(Place::take(&self.depth, None), job))?;
                if !self.to_look.swap(true, Ordering::SeqCst) {
                    // In a full lane there is somebody to wake the thread already, and one that has ended has dropped the job.
                    drop(self.common.try_send(Common::LookAhead));
                }
                Ok(())
            }
        }
    }

    /// Asks the thread to end after what waits; blocks while the lane is full.
    pub(super) fn stop(&self) {
        // If the thread has ended already there is nobody to tell.
        drop(self.common.send(Common::Message(Message::Stop)));
    }
}

impl<T> From<TrySendError<T>> for Refused {
    fn from(error: TrySendError<T>) -> Self {
        match error {
            TrySendError::Full(_) => Self::Full,
            TrySendError::Disconnected(_) => Self::Ended,
        }
    }
}

impl<C: Core> Jobs<C> {
    /// The next message if there is one.
    pub(super) fn try_recv(&mut self) -> Option<Message<C>> {
        if self.in_a_row >= IN_A_ROW_MAX
            && let Some(message) = self.try_recv_common()
        {
            return Some(message);
        }
        self.try_recv_ahead().or_else(|| self.try_recv_common())
    }

    fn try_recv_ahead(&mut self) -> Option<Message<C>> {
        self.to_look.store(false, Ordering::SeqCst);
        let message = self.ahead.try_recv().ok()?;
        self.in_a_row = (self.in_a_row + 1).min(IN_A_ROW_MAX);
        Some(message)
    }

    fn try_recv_common(&mut self) -> Option<Message<C>> {
        loop {
            if let Common::Message(message) = self.common.try_recv().ok()? {
                self.in_a_row = self.in_a_row.saturating_sub(1);
                return Some(message);
            }
        }
    }

    /// Waits for the next message, at most so long where it is said.
    pub(super) fn recv(&mut self, at_most: Option<Duration>) -> Result<Message<C>, RecvTimeoutError> {
        let until = at_most.map(|wait| Instant::now() + wait);
        loop {
            if let Some(message) = self.try_recv() {
                return Ok(message);
            }
            let common = match until {
                None => self.common.recv().map_err(|_| RecvTimeoutError::Disconnected)?,
                Some(until) => self.common.recv_timeout(until.saturating_duration_since(Instant::now()))?,
            };
            if let Common::Message(message) = common {
                return Ok(message);
            }
        }
    }
}
