//! What a surface takes from us: notices for its dispatcher, in batches, and events, each consumer its own.
//!
//! A notice is a completion (bounded by the calls under way) or a wake-up for a subscription, of which there is at
//! most one outstanding; the events themselves stay in the subscription's bounded [`Buffer`].

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notices for one dispatcher.
#[derive(Debug)]
pub struct Notices<N> {
    state: Mutex<NoticesState<N>>,
    filled: Condvar,
}

#[derive(Debug)]
struct NoticesState<N> {
    queue: VecDeque<N>,
    closed: bool,
}

impl<N> Default for Notices<N> {
    fn default() -> Self {
        Self { state: Mutex::new(NoticesState { queue: VecDeque::new(), closed: false }), filled: Condvar::new() }
    }
}

impl<N> Notices<N> {
    /// Adds one. Gives it back when the dispatcher has ended: then its sender must see to what it carries.
    ///
    /// # Errors
    /// The notice itself, after [`Notices::close`].
    pub fn push(&self, notice: N) -> Result<(), N> {
        let mut state = locked(&self.state);
        if state.closed {
            return Err(notice);
        }
        state.queue.push_back(notice);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Takes all there are, after waiting for one; empty at the end of `patience`, None once closed and empty.
    pub fn take(&self, patience: Duration) -> Option<Vec<N>> {
        let state = locked(&self.state);
        let waiting = |state: &mut NoticesState<N>| state.queue.is_empty() && !state.closed;
        let (mut state, _) = match self.filled.wait_timeout_while(state, patience, waiting) {
            Ok(waited) => waited,
            Err(poisoned) => poisoned.into_inner(),
        };
        let taken: Vec<N> = state.queue.drain(..).collect();
        (!(taken.is_empty() && state.closed)).then_some(taken)
    }

    /// Ends it: the dispatcher gets what is there and then None.
    pub fn close(&self) {
        locked(&self.state).closed = true;
        self.filled.notify_all();
    }
}

/// The events of one subscription, bounded: the newest push out the oldest, and the loss is told.
#[derive(Debug)]
pub struct Buffer<E> {
    state: Mutex<BufferState<E>>,
    capacity: usize,
}

#[derive(Debug)]
struct BufferState<E> {
    events: VecDeque<E>,
    dropped: u64,
    /// A wake-up is under way and has not been answered by a `take`.
    woken: bool,
}

impl<E> Buffer<E> {
    /// At most `capacity` events wait in it.
    pub fn new(capacity: usize) -> Self {
        let state = BufferState { events: VecDeque::new(), dropped: 0, woken: false };
        Self { state: Mutex::new(state), capacity: capacity.max(1) }
    }

    /// Adds an event. True when the consumer must be woken: at most once until it takes.
    pub fn push(&self, event: E) -> bool {
        let mut state = locked(&self.state);
        if state.events.len() >= self.capacity {
            state.events.pop_front();
            state.dropped += 1;
        }
        state.events.push_back(event);
        !std::mem::replace(&mut state.woken, true)
    }

    /// Takes up to `most` events, and how many were dropped before them since the last time. When more are left the
    /// consumer goes on by itself; when none are, the next push wakes again.
    pub fn take(&self, most: usize) -> (Vec<E>, u64) {
        let mut state = locked(&self.state);
        let count = most.min(state.events.len());
        let taken = state.events.drain(..count).collect();
        state.woken = !state.events.is_empty();
        (taken, std::mem::take(&mut state.dropped))
    }
}
