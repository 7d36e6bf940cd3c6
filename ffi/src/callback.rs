//! How callbacks reach C: what they carry, and the threads they run on.
//!
//! - `user_data`: what C gave with a callback, given back exactly once
//! - `pool`: threads for callbacks, as many as are busy at once, so that a slow callback delays no other
//! - `dispatch`: the queue of a client whose application runs the callbacks itself
//! - `events`: one subscription: one callback at a time, cancelled from anywhere, ended once
//! - `stream`: a subscription to what goes on and on
//! - `loss`: a subscription to the end of something held
//! - `completion`: what a call that does not block comes to
//! - `thread`: a thread of one's own, for a callback that is the work itself

pub(crate) mod completion;
pub(crate) mod dispatch;
pub(crate) mod events;
pub(crate) mod loss;
mod pool;
pub(crate) mod stream;
mod thread;
pub(crate) mod user_data;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use gocore_etcd_core::Result;

use self::dispatch::Queue;
pub(crate) use self::pool::Member;
pub(crate) use self::thread::OwnThread;

/// One thing to be run where callbacks run.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// Where the callbacks of a client run.
#[derive(Clone)]
pub(crate) enum Deliver {
    /// On threads of ours.
    Threads,
    /// On those of the application, when it dispatches.
    Dispatch(Arc<Queue>),
    /// On a thread of one subscription's own.
    Own(OwnThread),
}

impl Deliver {
    /// Runs `job` there, soon; never on this thread, and without waiting.
    pub(crate) fn push(&self, job: Job) {
        match self {
            Deliver::Threads => pool::push(job),
            Deliver::Dispatch(queue) => queue.push(job),
            Deliver::Own(thread) => thread.push(job),
        }
    }

    /// The same as the last deed of a job there: of threads of ours, its own is about to look for the next.
    pub(crate) fn push_next(&self, job: Job) {
        match self {
            Deliver::Threads => pool::push_next(job),
            Deliver::Dispatch(_) | Deliver::Own(_) => self.push(job),
        }
    }

    /// Whether this thread may wait for a callback there. A callback may not: it could wait for itself, or for one that waits
    /// for it. Work may, which lasts for hours and whose locals the callback may use, but not for other work.
    fn may_be_waited_for(&self) -> bool {
        match WITHIN.get() {
            Within::Nothing => true,
            Within::Work => !matches!(self, Deliver::Own(_)),
            Within::Callback => false,
        }
    }

    /// What a start needs to be sure that its callbacks will run.
    ///
    /// # Errors
    /// ResourceExhausted when the system gives no thread.
    pub(crate) fn join(&self, op: &'static str) -> Result<Member> {
        pool::join(op)
    }
}

/// What code of the application a thread is in, by way of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// None.
    Nothing,
    /// Work on a thread of its own: a run's.
    Work,
    /// A callback, or `user_free`.
    Callback,
}

thread_local! {
    static WITHIN: Cell<Within> = const { Cell::new(Within::Nothing) };
}

impl Within {
    /// The thread is there until what is given is dropped.
    fn enter(self) -> Entered {
        Entered(WITHIN.replace(self))
    }
}

/// What was before.
struct Entered(Within);

impl Drop for Entered {
    fn drop(&mut self) {
        WITHIN.set(self.0);
    }
}

/// Whether this thread is inside a callback, work among them.
pub(crate) fn is_inside() -> bool {
    WITHIN.get() != Within::Nothing
}

/// Runs a job as what it is: a place where waiting for oneself is noticed, and a panic of ours goes no further.
fn run(within: Within, job: Job) {
    let _entered = within.enter();
    if let Err(panic) = catch_unwind(AssertUnwindSafe(job)) {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        tracing::error!(text, "caught a panic around a callback: please report it");
    }
}
