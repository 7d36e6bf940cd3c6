//! Every background task of a client: owned here, spawned only here, ended by one token.

use std::future::Future;

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
        }
    }

    /// Runs `task` until it ends or the client closes.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tracker.spawn_on(
            async move {
                tokio::select! {
                    biased;
                    () = closing.cancelled() => {}
                    () = task => {}
                }
            },
            &self.runtime,
        );
    }

    /// Runs `task` until it ends, also while the client closes: for what gives things back.
    pub(crate) fn spawn_cleanup(&self, task: impl Future<Output = ()> + Send + 'static) {
        let terminated = self.terminated.clone();
        self.tracker.spawn_on(
            async move {
                tokio::select! {
                    biased;
                    () = terminated.cancelled() => {}
                    () = task => {}
                }
            },
            &self.runtime,
        );
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Ends when closing begins.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Begins closing. True for the first caller.
    pub(crate) fn close(&self) -> bool {
        let first = !self.closing.is_cancelled();
        self.closing.cancel();
        self.tracker.close();
        first
    }

    /// Ends what still runs.
    pub(crate) fn terminate(&self) {
        self.closing.cancel();
        self.terminated.cancel();
        self.tracker.close();
    }

    /// Ends when no task is left; only after [`Tasks::close`].
    pub(crate) async fn ended(&self) {
        self.tracker.wait().await;
    }
}
