//! Every background task of a client: owned here, spawned only here, ended by one token.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one client. Clones are the same set.
///
/// Closing has two steps. At `closing` whatever waits or repeats stops; what gives things back (an unlock, a revoke)
/// still runs. At `terminated` that ends too.
#[derive(Clone, Debug)]
pub(crate) struct Tasks {
    runtime: Handle,
    tracker: TaskTracker,
    closing: CancellationToken,
    terminated: CancellationToken,
    left_behind: Arc<AtomicBool>,
}

impl Tasks {
    /// Tasks run on the runtime this is called in, also when they are spawned from outside of it (a drop may happen
    /// on any thread).
    pub(crate) fn new() -> Self {
        Self {
            runtime: Handle::current(),
            tracker: TaskTracker::new(),
            closing: CancellationToken::new(),
            terminated: CancellationToken::new(),
            left_behind: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Runs `task` until it ends or the client closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_until(self.closing.clone(), task);
    }

    /// Runs `task` until it ends, also while the client closes: for what gives things back.
    pub(crate) fn spawn_cleanup(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_until(self.terminated.clone(), task);
    }

    fn spawn_until(&self, end: CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
        // Boxed before anything is made of it: what holds a future as an argument has room for it twice.
        let task = Box::pin(task);
        let task = async move { end.run_until_cancelled_owned(task).await.unwrap_or_default() };
        self.tracker.spawn_on(task, &self.runtime);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Ends when closing begins.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Begins closing, in the background: what gives things back has `limit` for it. Only the first call counts.
    pub(crate) fn shut_down(&self, limit: Duration) {
        if self.closing.is_cancelled() {
            return;
        }
        self.closing.cancel();
        self.tracker.close();
        let tasks = self.clone();
        // Not one of the tracked: it waits for them.
        self.runtime.spawn(async move {
            if tokio::time::timeout(limit, tasks.tracker.wait()).await.is_err() {
                tasks.terminated.cancel();
            }
        });
    }

    /// Something could not be given back while closing.
    pub(crate) fn leave_behind(&self) {
        self.left_behind.store(true, Ordering::Release);
    }

    /// Whether everything was given back within the limit of closing.
    pub(crate) fn gave_everything_back(&self) -> bool {
        !self.terminated.is_cancelled() && !self.left_behind.load(Ordering::Acquire)
    }

    /// Ends when no task is left; only after [`Tasks::shut_down`].
    pub(crate) async fn ended(&self) {
        self.tracker.wait().await;
    }

    /// Ends everything at once when it is dropped: for a client that did not come about.
    pub(crate) fn terminate_on_drop(self) -> TerminateOnDrop {
        TerminateOnDrop(Some(self))
    }
}

/// See [`Tasks::terminate_on_drop`].
pub(crate) struct TerminateOnDrop(Option<Tasks>);

impl TerminateOnDrop {
    pub(crate) fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for TerminateOnDrop {
    fn drop(&mut self) {
        if let Some(tasks) = self.0.take() {
            tasks.closing.cancel();
            tasks.terminated.cancel();
            tasks.tracker.close();
        }
    }
}
