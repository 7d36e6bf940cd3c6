//! Where the work is done: one turn at a time, told to stop from another thread.

use std::ffi::c_void;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use gocore_etcd_core::bridge::Generation;
use tokio::sync::oneshot;

use super::GOCORE_ETCD_RUN_AGAIN;
use crate::callback::Deliver;
use crate::callback::events::{After, Handler};
use crate::callback::user_data::UserData;
use crate::client::Pending;
use crate::leadership::{gocore_etcd_leadership, gocore_etcd_leadership_token};

pub(super) type Start = extern "C" fn(user_data: *mut c_void, leadership: *mut gocore_etcd_leadership) -> i32;
pub(super) type Stop = extern "C" fn(user_data: *mut c_void, token: i64);

/// What the work and those who stop it share.
pub(super) struct Stage {
    stop: Stop,
    /// Weak: it is given back with the work.
    user: Weak<UserData>,
    state: Mutex<State>,
    changed: Condvar,
    born: Generation,
}

#[derive(Default)]
struct State {
    turn: u64,
    /// The leadership's.
    token: i64,
    phase: Phase,
    /// `stop` runs now.
    stopping: bool,
}

#[derive(Default)]
enum Phase {
    #[default]
    Empty,
    /// The work has not been called yet.
    Ready(gocore_etcd_leadership, oneshot::Sender<i32>),
    Running {
        /// Somebody sees to it that `stop` is called.
        stopped: bool,
    },
}

impl Stage {
    /// Also the work, for a subscription to call.
    pub(super) fn new(start: Start, stop: Stop, user: UserData, pending: Pending) -> (Arc<Self>, Work) {
        let user = Arc::new(user);
        let (state, changed, born) = (Mutex::default(), Condvar::new(), Generation::current());
        let stage = Arc::new(Self { stop, user: Arc::downgrade(&user), state, changed, born });
        (stage.clone(), Work { stage, start, user, _pending: pending })
    }

    /// Ends a turn: before the work is called it never is, later `stop` is called, on a thread of its own.
    fn end(self: &Arc<Self>, turn: u64) {
        let mut state = self.lock();
        if state.turn != turn {
            return;
        }
        match &mut state.phase {
            Phase::Empty | Phase::Running { stopped: true } => {}
            Phase::Ready(..) => {
                let untaken = mem::take(&mut state.phase);
                drop(state);
                drop(untaken);
            }
            Phase::Running { stopped } => {
                *stopped = true;
                let stage = self.clone();
                Deliver::Threads.push(Box::new(move || stage.call_stop(turn)));
            }
        }
    }

    fn call_stop(&self, turn: u64) {
        let mut state = self.lock();
        // Only while the work runs, which keeps it: the last to let go of it must be neither we nor late.
        if state.turn != turn || !state.is_running() {
            return;
        }
        let Some(user) = self.user.upgrade() else { return };
        state.stopping = true;
        let token = state.token;
        drop(state);
        (self.stop)(user.data(), token);
        if !self.born.is_current() {
            // It forked, and this is the child: nothing here is ours any more.
            return mem::forget(user);
        }
        // Before the work goes on: whoever is last gives it back.
        drop(user);
        self.lock().stopping = false;
        self.changed.notify_all();
    }

    fn enter(&self) -> Option<(gocore_etcd_leadership, oneshot::Sender<i32>)> {
        let mut state = self.lock();
        match mem::replace(&mut state.phase, Phase::Running { stopped: false }) {
            Phase::Ready(leadership, returned) => Some((leadership, returned)),
            other => {
                state.phase = other;
                None
            }
        }
    }

    /// The work has returned. Waits for a `stop` that runs; none begins any more.
    fn leave(&self) {
        let mut state = self.lock();
        state.phase = Phase::Empty;
        while state.stopping {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }
}

/// One leadership's turn on the stage. Dropping it ends the turn.
pub(super) struct Turn {
    stage: Arc<Stage>,
    number: u64,
    returned: oneshot::Receiver<i32>,
}

impl Turn {
    /// The one before must have returned.
    pub(super) fn begin(stage: &Arc<Stage>, leadership: gocore_etcd_leadership) -> Self {
        let (return_, returned) = oneshot::channel();
        let mut state = stage.lock();
        state.turn += 1;
        state.token = gocore_etcd_leadership_token(&leadership);
        state.phase = Phase::Ready(leadership, return_);
        Self { stage: stage.clone(), number: state.turn, returned }
    }

    /// What the work returns.
    pub(super) async fn returned(&mut self) -> i32 {
        // Never called: the leadership was over before.
        (&mut self.returned).await.unwrap_or(GOCORE_ETCD_RUN_AGAIN)
    }

    /// The same after telling it to.
    pub(super) async fn stopped(&mut self) -> i32 {
        self.stage.end(self.number);
        self.returned().await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.stage.end(self.number);
    }
}

/// What a subscription calls when there is a turn.
pub(super) struct Work {
    stage: Arc<Stage>,
    start: Start,
    user: Arc<UserData>,
    /// Dropped after `user`: closing waits for both.
    _pending: Pending,
}

impl Handler for Work {
    fn call(&mut self) -> After {
        let Some((mut leadership, returned)) = self.stage.enter() else { return After::Idle };
        let flow = (self.start)(self.user.data(), &mut leadership);
        if !self.stage.born.is_current() {
            // It forked, and this is the child: nothing here is ours any more.
            mem::forget((leadership, returned));
            return After::Over;
        }
        self.stage.leave();
        drop(leadership);
        // Nobody waits for it after the run was cancelled.
        returned.send(flow).ok();
        After::Idle
    }
}
