//! Where jobs wait: in the lane that everybody comes by, or in the one that is always emptied first.

use super::job::Job;
use super::{Core, WriteError};
use prometheus_client::metrics::gauge::Gauge;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// What the writer thread is told next.
pub(super) enum Message<C: Core> {
    // The place in the queue is given up first, so that whoever learns of a dropped job finds the count right.
    Job(Place, Box<dyn Job<C>>),
    Stop,
}

/// A job's place in the queue: counted while it waits, however it leaves.
pub(super) struct Place(Gauge);

impl Place {
    fn take(depth: &Gauge) -> Self {
        depth.inc();
        Self(depth.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.dec();
    }
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
    depth: Gauge,
    capacity: usize,
}

impl<C: Core> Clone for Queue<C> {
    fn clone(&self) -> Self {
        let Self { common, ahead, depth, capacity } = self;
        Self { common: common.clone(), ahead: ahead.clone(), depth: depth.clone(), capacity: *capacity }
    }
}

/// The end at which the writer thread takes them.
pub(super) struct Jobs<C: Core> {
    common: Receiver<Common<C>>,
    ahead: Receiver<Message<C>>,
}

/// A queue in each of whose lanes so many jobs may wait; `depth` counts them all.
pub(super) fn queue<C: Core>(capacity: usize, depth: Gauge) -> (Queue<C>, Jobs<C>) {
    let ((common, to_all), (ahead, to_ahead)) = (sync_channel(capacity), sync_channel(capacity));
    (Queue { common, ahead, depth, capacity }, Jobs { common: to_all, ahead: to_ahead })
}

impl<C: Core> Queue<C> {
    /// How many jobs may wait in a lane.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Hands a job in if with it at most `room` of them wait. The error is `None` once the thread has ended.
    pub(super) fn offer(&self, job: Box<dyn Job<C>>, room: usize) -> Result<(), Option<WriteError>> {
        let place = Place::take(&self.depth);
        if room < self.capacity && usize::try_from(self.depth.get()).is_ok_and(|waiting| waiting > room) {
            return Err(Some(WriteError::Overloaded));
        }
        self.common.try_send(Common::Message(Message::Job(place, job))).map_err(|error| refused(&error))
    }

    /// Hands a job in that is taken before all that came by the other lane. The error is `None` once the thread has ended.
    pub(super) fn offer_ahead(&self, job: Box<dyn Job<C>>) -> Result<(), Option<WriteError>> {
        self.ahead.try_send(Message::Job(Place::take(&self.depth), job)).map_err(|error| refused(&error))?;
        // In a full lane there is somebody to wake the thread already, and one that has ended has dropped the job.
        drop(self.common.try_send(Common::LookAhead));
        Ok(())
    }

    /// Asks the thread to end after what waits; blocks while the lane is full.
    pub(super) fn stop(&self) {
        // If the thread has ended already there is nobody to tell.
        drop(self.common.send(Common::Message(Message::Stop)));
    }
}

fn refused<T>(error: &TrySendError<T>) -> Option<WriteError> {
    match error {
        TrySendError::Full(_) => Some(WriteError::Overloaded),
        TrySendError::Disconnected(_) => None,
    }
}

impl<C: Core> Jobs<C> {
    /// The next message if there is one.
    pub(super) fn try_recv(&self) -> Option<Message<C>> {
        loop {
            if let Ok(message) = self.ahead.try_recv() {
                return Some(message);
            }
            if let Common::Message(message) = self.common.try_recv().ok()? {
                return Some(message);
            }
        }
    }

    /// Waits for the next message.
    pub(super) fn recv(&self) -> Result<Message<C>, RecvTimeoutError> {
        loop {
            if let Ok(message) = self.ahead.try_recv() {
                return Ok(message);
            }
            if let Common::Message(message) = self.common.recv().map_err(|_| RecvTimeoutError::Disconnected)? {
                return Ok(message);
            }
        }
    }

    /// Waits so long for the next message.
    pub(super) fn recv_timeout(&self, wait: Duration) -> Result<Message<C>, RecvTimeoutError> {
        let until = Instant::now() + wait;
        loop {
            if let Ok(message) = self.ahead.try_recv() {
                return Ok(message);
            }
            let left = until.saturating_duration_since(Instant::now());
            if let Common::Message(message) = self.common.recv_timeout(left)? {
                return Ok(message);
            }
        }
    }
}
