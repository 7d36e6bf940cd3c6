//! Between a stream, which never waits, and a consumer, which may: a bounded buffer that coalesces, and as the last
//! resort forgets and says so.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::{Cause, Change};

/// Above so many changes the newest per key are kept alone.
const MOST_CHANGES: usize = 4096;
/// The same for their memory, in bytes.
const MOST_BYTES: usize = 32 << 20;

/// What the consumer takes out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Events {
        revision: i64,
        changes: Vec<Change>,
        coalesced: bool,
        /// With these, what was taken adds up to the true state at this revision; between coalesced ones it does not.
        settled: bool,
    },
    Connected(bool),
    /// What there is now must be read once; the events after it follow.
    Gap,
    /// Events are missing: list again, and watch anew.
    Overtaken(Cause),
}

#[derive(Debug)]
pub(super) struct Buffer {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    changes: VecDeque<Change>,
    bytes: usize,
    /// Up to this revision the changes are coalesced.
    coalesced_until: i64,
    /// It is so for a consumer that has not caught up since.
    is_behind: bool,
    gap: bool,
    overtaken: Option<Cause>,
    /// The state of the connection that was not told yet, and the one told last.
    connected: Option<bool>,
    told: bool,
}

impl Buffer {
    /// For a consumer that was told last whether it is `connected`.
    pub(super) fn new(connected: bool) -> Self {
        Self { queue: Mutex::new(Queue { told: connected, ..Queue::default() }), filled: Notify::new() }
    }

    /// True when with these the consumer begins to be too slow for all of them: once, until it has caught up.
    pub(super) fn push(&self, changes: Vec<Change>) -> bool {
        self.change(|queue| queue.push(changes, MOST_CHANGES, MOST_BYTES))
    }

    pub(super) fn gap(&self) {
        self.change(|queue| queue.gap = true);
    }

    pub(super) fn overtaken(&self, why: Cause) {
        self.change(|queue| queue.overtake(why));
    }

    pub(super) fn connected(&self, connected: bool) {
        self.change(|queue| queue.connected = Some(connected).filter(|new| *new != queue.told));
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let changed = change(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner));
        self.filled.notify_one();
        changed
    }

    /// Waits for something to take.
    ///
    /// # Cancel safety
    /// Safe: what is taken is returned at once. For one consumer.
    pub(super) async fn take(&self) -> Taken {
        loop {
            if let Some(taken) = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return taken;
            }
            self.filled.notified().await;
        }
    }
}

impl Queue {
    fn push(&mut self, changes: Vec<Change>, most_changes: usize, most_bytes: usize) -> bool {
        if self.overtaken.is_some() {
            return false;
        }
        self.bytes += changes.iter().map(Change::weight).sum::<usize>();
        self.changes.extend(changes);
        if self.changes.len() <= most_changes && self.bytes <= most_bytes {
            return false;
        }
        self.coalesce();
        // Half full of distinct keys: coalescing at every push would cost more than a list.
        if self.changes.len() > most_changes / 2 || self.bytes > most_bytes / 2 {
            self.overtake(Cause::SlowConsumer);
        }
        !std::mem::replace(&mut self.is_behind, true)
    }

    /// Keeps the newest change of each key, in order.
    fn coalesce(&mut self) {
        let newest: HashMap<&[u8], i64> = self.changes.iter().map(|change| (change.key(), change.revision())).collect();
        let keep: Vec<bool> =
            self.changes.iter().map(|change| newest.get(change.key()) == Some(&change.revision())).collect();
        let mut keep = keep.into_iter();
        self.coalesced_until = self.changes.back().map_or(0, Change::revision);
        self.changes.retain(|_| keep.next().unwrap_or(true));
        self.bytes = self.changes.iter().map(Change::weight).sum();
    }

    fn overtake(&mut self, why: Cause) {
        self.changes = VecDeque::new();
        self.bytes = 0;
        // The first cause is the cause.
        self.overtaken.get_or_insert(why);
    }

    fn take(&mut self) -> Option<Taken> {
        if let Some(connected) = self.connected.take() {
            self.told = connected;
            return Some(Taken::Connected(connected));
        }
        if let Some(why) = self.overtaken {
            return Some(Taken::Overtaken(why));
        }
        if std::mem::take(&mut self.gap) {
            return Some(Taken::Gap);
        }
        let revision = self.changes.front()?.revision();
        let coalesced = revision <= self.coalesced_until;
        let end = self.changes.iter().position(|change| change.revision() != revision).unwrap_or(self.changes.len());
        let changes: Vec<Change> = self.changes.drain(..end).collect();
        self.bytes = self.bytes.saturating_sub(changes.iter().map(Change::weight).sum());
        self.is_behind &= !self.changes.is_empty();
        // The last change of all is always among those that are kept.
        let settled = revision >= self.coalesced_until;
        Some(Taken::Events { revision, changes, coalesced, settled })
    }
}

#[cfg(test)]
mod tests;
