//! One subscription: its callbacks run one at a time, it is cancelled from anywhere, and ends once.
//!
//! What it calls is a [`Handler`], which owns the callback and its `user_data`. It is taken out while it runs, so that
//! cancelling never waits for it, and dropped when all is over, which runs `user_free`.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use gocore_etcd_core::bridge::{CancelToken, Generation, Limit, failed, guarded};
use gocore_etcd_core::{ErrorKind, Result};

use super::{Deliver, Within};
use crate::entry_point::panic_for_a_test;

/// What a subscription calls.
pub(crate) trait Handler: Send {
    /// Takes what has come and calls back with it.
    fn call(&mut self) -> After;
}

/// What comes after a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// More has come already.
    More,
    /// Nothing, until it is woken.
    Idle,
    /// Nothing ever: the subscription is over.
    Over,
}

pub(crate) struct Events {
    deliver: Deliver,
    state: Mutex<State>,
    changed: Condvar,
    /// Fires when no further callback may begin, for whatever reason: ends what watches for events.
    cancelled: CancelToken,
    born: Generation,
}

struct State {
    /// None while it runs, and once it is over.
    handler: Option<Box<dyn Handler>>,
    /// Who runs it now, or its `user_free`.
    running: bool,
    /// A job for it is on its way.
    scheduled: bool,
    /// Something came since the last call began.
    woken: bool,
    cancelled: bool,
    /// `user_free` has returned.
    over: bool,
}

impl Events {
    pub(crate) fn new(deliver: Deliver, handler: impl Handler + 'static) -> Arc<Self> {
        let state = State {
            handler: Some(Box::new(handler)),
            running: false,
            scheduled: false,
            woken: false,
            cancelled: false,
            over: false,
        };
        let (changed, cancelled, born) = (Condvar::new(), CancelToken::new(), Generation::current());
        Arc::new(Self { deliver, state: Mutex::new(state), changed, cancelled, born })
    }

    /// Fires when it is cancelled or over.
    pub(crate) fn cancelled(&self) -> &CancelToken {
        &self.cancelled
    }

    /// Something has come: the handler is called, soon.
    pub(crate) fn wake(self: &Arc<Self>) {
        let mut state = self.lock();
        state.woken = true;
        self.schedule(&mut state);
    }

    /// No further callback begins; one that runs may finish. Never waits.
    pub(crate) fn cancel(self: &Arc<Self>) {
        let mut state = self.lock();
        state.cancelled = true;
        // `user_free` is foreign code, which must not run inside a call that promises not to wait.
        self.schedule(&mut state);
        drop(state);
        self.cancelled.cancel();
    }

    /// Cancels, and waits until the callback that runs has returned and `user_free` has run.
    ///
    /// # Errors
    /// WrongContext where it could wait for itself, or for one that waits for it. DeadlineExceeded.
    pub(crate) fn cancel_wait(self: &Arc<Self>, op: &'static str, limit: Limit) -> Result<()> {
        if !self.deliver.may_be_waited_for() {
            return Err(failed(ErrorKind::WrongContext, op, "inside a callback it would wait for itself: use _cancel"));
        }
        self.cancel();
        let deadline = match limit {
            Limit::After(duration) => Instant::now().checked_add(duration),
            Limit::Default | Limit::Never => None,
        };
        let mut state = self.lock();
        loop {
            // Nobody runs it: it ends here, without waiting for a thread or for the application to dispatch.
            if !state.running && state.handler.is_some() {
                state = self.end(state);
            }
            if state.over {
                return Ok(());
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(at) => {
                    let left = at.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(failed(ErrorKind::DeadlineExceeded, op, "a callback still runs"));
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    fn schedule(self: &Arc<Self>, state: &mut State) {
        if !state.scheduled && !state.over {
            state.scheduled = true;
            let events = self.clone();
            self.deliver.push(Box::new(move || events.run()));
        }
    }

    /// One callback, or the end.
    fn run(self: Arc<Self>) {
        let mut state = self.lock();
        if state.cancelled {
            drop(self.end(state));
            return;
        }
        // Somebody else ended it.
        let Some(mut handler) = state.handler.take() else { return };
        state.running = true;
        state.woken = false;
        drop(state);
        // A bug of ours around the callback ends the subscription: who waits for its end must not wait for ever.
        let called = guarded("subscription", || {
            panic_for_a_test("subscription", "callback");
            Ok(handler.call())
        });
        let after = called.unwrap_or(After::Over);
        if !self.born.is_current() {
            // The callback forked, and this is the child: nothing here is ours any more.
            return std::mem::forget(handler);
        }

        let mut state = self.lock();
        state.running = false;
        state.handler = Some(handler);
        if state.cancelled || after == After::Over {
            state.cancelled = true;
            drop(self.end(state));
            return;
        }
        state.scheduled = false;
        if after == After::More || state.woken {
            state.scheduled = true;
            let events = self.clone();
            self.deliver.push_next(Box::new(move || events.run()));
        }
    }

    /// Runs `user_free`, once.
    fn end<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let Some(handler) = state.handler.take() else { return state };
        state.running = true;
        drop(state);
        self.cancelled.cancel();
        // On whatever thread this is: in `user_free` nobody may wait for what ends only after it.
        let freeing = Within::Callback.enter();
        drop(handler);
        drop(freeing);
        let mut state = self.lock();
        state.running = false;
        state.over = true;
        self.changed.notify_all();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
