//! The names of a session's contenders in the queues: its lease, and a number where it has several in one.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Those that are taken.
#[derive(Debug)]
pub(super) struct Names {
    lease: i64,
    /// Which numbers, below each queue's prefix.
    taken: Mutex<HashMap<String, BTreeSet<u32>>>,
}

impl Names {
    pub(super) fn of(lease: i64) -> Arc<Self> {
        Arc::new(Self { lease, taken: Mutex::default() })
    }

    /// A name below `queue` (with its trailing slash) that nobody else has.
    pub(super) fn claim(names: &Arc<Self>, queue: &str) -> Name {
        let mut all = names.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(queue.to_owned()).or_default();
        // The lowest that is free: names are few and come back, as in Go where a session has one.
        let number =
            (0..).zip(taken.iter()).find(|(free, taken)| free != *taken).map_or(taken.len() as u32, |(free, _)| free);
        taken.insert(number);
        Name { names: names.clone(), queue: queue.to_owned(), number, kept: false }
    }
}

/// A contender's name in a queue, taken until it is dropped: only when its key is known to be gone, or the lease is.
#[derive(Debug)]
pub(crate) struct Name {
    names: Arc<Names>,
    queue: String,
    number: u32,
    kept: bool,
}

impl Name {
    /// Stays taken as long as the session lives.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }

    /// `{queue}{lease hex}`, for the second of one session with `-1` behind it, and so on.
    pub(crate) fn key(&self) -> String {
        let Name { names, queue, number, .. } = self;
        let lease = names.lease;
        if *number == 0 { format!("{queue}{lease:x}") } else { format!("{queue}{lease:x}-{number}") }
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        let mut all = self.names.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.queue) {
            taken.remove(&self.number);
            if taken.is_empty() {
                all.remove(&self.queue);
            }
        }
    }
}
