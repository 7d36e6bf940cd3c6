//! Who runs the runtime: its keeper, or a thread that waits for what it has asked for.
//!
//! A request is quickest when the thread that waits for its answer reads it off the connection itself: no other has to
//! be woken to send it, and none to tell of the answer. So a thread that waits alone takes the helm, and what else
//! goes on in the runtime goes on there too. When it leaves, nobody is woken: most often the same thread comes again at
//! once. The keeper looks every [`TICK`] whether that is so, and is back when it is not, or when it is called.
//!
//! Where several wait at once the keeper stays: each answer would have to wait for the helm to change hands.

use std::future::poll_fn;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::runtime::Work;
use super::stack;
use crate::time::Deadline;

/// How often the keeper looks whether somebody is at the helm: nobody is for two of these at most, and only right after
/// somebody was.
const TICK: Duration = Duration::from_millis(2);

/// So often in a row must threads have come that found nobody waiting before one of them relieves the keeper: where
/// several keep calling, one of them is alone now and then.
const STREAK: u32 = 8;

#[derive(Debug)]
pub(super) struct Helm {
    runtime: Runtime,
    state: Mutex<State>,
    /// For the keeper, when it is away.
    changed: Condvar,
    /// For the keeper, when it is at the helm: somebody else wants it.
    wanted: Notify,
}

#[derive(Debug, Default)]
struct State {
    keeper: Keeper,
    /// A thread that waits is at the helm, or on its way there.
    taken: bool,
    /// How many wait without it.
    beside: usize,
    /// How often it was taken.
    turns: u64,
    /// How many came in a row that found nobody.
    alone: u32,
    /// The keeper is to come back.
    called: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Keeper {
    /// It runs the runtime, or is on its way to.
    #[default]
    AtHelm,
    /// It was asked to leave, or has.
    Away,
    /// It is away, and is to be woken: whoever is at the helm stays there.
    Asleep,
}

/// A thread that waits, until it is dropped.
pub(super) struct Waiting<'a> {
    helm: &'a Helm,
    at_helm: bool,
}

impl Helm {
    pub(super) fn new(runtime: Runtime) -> Self {
        Self { runtime, state: Mutex::default(), changed: Condvar::new(), wanted: Notify::new() }
    }

    pub(super) fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The keeper's life: at the helm whenever nobody else is, until `stop`.
    pub(super) fn keep(&self, stop: &CancellationToken) {
        let relieved = async || {
            self.wanted.notified().await;
            // What is ready comes first: the request of who wants the helm is under way before the helm is.
            tokio::task::yield_now().await;
        };
        while self.runtime.block_on(stop.run_until_cancelled(relieved())).is_some() {
            self.stay_away();
        }
    }

    /// Ends the runtime without waiting for what it has begun.
    pub(super) fn end(self) {
        // A resolver that hangs must not hold anybody up.
        self.runtime.shutdown_background();
    }

    /// Until nobody else is at the helm, or somebody misses the keeper.
    fn stay_away(&self) {
        let mut state = self.state();
        let mut seen = None;
        loop {
            let is_same = seen == Some(state.turns);
            if !state.taken && (is_same || state.called || state.beside > 0) {
                break;
            }
            seen = Some(state.turns);
            state = match state.taken && is_same {
                true => {
                    state.keeper = Keeper::Asleep;
                    self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
                }
                false => self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0,
            };
            state.keeper = Keeper::Away;
        }
        state.keeper = Keeper::AtHelm;
        state.called = false;
    }

    /// A thread comes to wait.
    pub(super) fn come(&self) -> Waiting<'_> {
        let mut state = self.state();
        let is_alone = !state.taken && state.beside == 0;
        state.alone = if is_alone { state.alone.saturating_add(1) } else { 0 };
        let is_free = state.keeper != Keeper::AtHelm;
        if is_alone && (is_free || state.alone >= STREAK) && stack::has_room() && !is_ending() {
            state.taken = true;
            state.turns = state.turns.wrapping_add(1);
            if !is_free {
                state.keeper = Keeper::Away;
                self.wanted.notify_one();
            }
            return Waiting { helm: self, at_helm: true };
        }
        state.beside += 1;
        if is_free && !state.taken {
            self.changed.notify_one();
        }
        Waiting { helm: self, at_helm: false }
    }

    /// There is something to do for whoever is at the helm.
    pub(super) fn call(&self) {
        let mut state = self.state();
        if !state.taken && state.keeper != Keeper::AtHelm {
            state.called = true;
            self.changed.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether this thread is about to end, and what the runtime keeps in it has gone: a destructor may still call us.
fn is_ending() -> bool {
    Handle::try_current().is_err_and(|error| error.is_thread_local_destroyed())
}

impl Waiting<'_> {
    /// Whether this thread is to run the runtime, because nobody else waits.
    pub(super) fn is_at_helm(&self) -> bool {
        self.at_helm
    }

    /// Runs the runtime, at the helm, until `work` has ended or patience has; then the work is given back.
    pub(super) fn run(self, mut work: Work, patience: Duration) -> Option<Work> {
        let mut polls = 0;
        let ended = self.helm.runtime.block_on(async {
            let carried_out = poll_fn(|cx| {
                polls += 1;
                work.as_mut().poll(cx)
            });
            let ended = Deadline::after(patience).limit(carried_out).await;
            if polls == 1 {
                // Else what is done at once, and called again and again, would let nothing else have its turn.
                tokio::task::yield_now().await;
            }
            ended
        });
        ended.is_err().then_some(work)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.helm.state();
        if !self.at_helm {
            state.beside -= 1;
            return;
        }
        state.taken = false;
        if state.beside > 0 || state.keeper == Keeper::Asleep {
            self.helm.changed.notify_one();
        }
    }
}
