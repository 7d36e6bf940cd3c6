//! Where the answer to a call arrives. A thread may wait for it right here, without the interpreter; as long as it has
//! not come, it can be routed to a waiter of Python's instead, whom the dispatcher or its event loop tells.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::call::Answer;
use crate::inbox::Mail;

/// Who is told of an answer, and how.
pub(crate) enum Way {
    /// The waiter of this number, by the dispatcher.
    Dispatcher(u64),
    /// The one of this number in an event loop, by the loop itself.
    Loop(Arc<Mail>, u64),
}

/// The way of one answer: it is taken, passed on or released, exactly once. It is never released under the lock: that
/// may give back what is held in etcd.
pub(crate) struct Slot {
    state: Mutex<State>,
    arrived: Condvar,
}

enum State {
    /// It has not come; who wants it comes here, or is here already.
    Awaited { is_here: bool },
    /// It lies here.
    Arrived(Answer),
    /// It has not come; it goes this way.
    Routed(Way),
    /// It was taken or passed on, or nobody wants it.
    Over,
}

impl Slot {
    /// For the waiter of this number; 0 is none, who wants the answer comes here.
    pub(crate) fn new(waiter: u64) -> Self {
        let state =
            if waiter == 0 { State::Awaited { is_here: false } } else { State::Routed(Way::Dispatcher(waiter)) };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }

    /// The answer has come. Gives it back with the way it is to go, if there is one.
    pub(crate) fn put(&self, answer: Answer) -> Option<(Way, Answer)> {
        let mut state = self.state();
        match mem::replace(&mut *state, State::Over) {
            State::Routed(way) => Some((way, answer)),
            State::Awaited { is_here } => {
                *state = State::Arrived(answer);
                drop(state);
                if is_here {
                    self.arrived.notify_one();
                }
                None
            }
            // Nobody wants it.
            State::Arrived(_) | State::Over => None,
        }
    }

    /// Takes the answer, after waiting for it so long at most.
    pub(crate) fn wait(&self, patience: Duration) -> Option<Answer> {
        let awaited = |state: &mut State| match state {
            State::Awaited { is_here } => {
                *is_here = true;
                true
            }
            _ => false,
        };
        let (mut state, _) = match self.arrived.wait_timeout_while(self.state(), patience, awaited) {
            Ok(waited) => waited,
            Err(poisoned) => poisoned.into_inner(),
        };
        match mem::replace(&mut *state, State::Over) {
            State::Arrived(answer) => Some(answer),
            before => {
                *state = before;
                None
            }
        }
    }

    /// Takes the answer if it is here; else it goes this way when it comes.
    pub(crate) fn hand_over(&self, way: Way) -> Option<Answer> {
        let mut state = self.state();
        match mem::replace(&mut *state, State::Over) {
            State::Arrived(answer) => Some(answer),
            State::Awaited { .. } => {
                *state = State::Routed(way);
                None
            }
            before => {
                *state = before;
                None
            }
        }
    }

    /// Nobody comes for the answer any more: it is released, now or when it comes. One of which the dispatcher is to tell
    /// stays its waiter's.
    pub(crate) fn abandon(&self) {
        let mut state = self.state();
        if !matches!(*state, State::Routed(Way::Dispatcher(_))) {
            let before = mem::replace(&mut *state, State::Over);
            drop(state);
            drop(before);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
