//! An operation: started on any thread, completed exactly once, cancelled from anywhere.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;

use super::guard::{caught, panic_for_a_test};
use super::runtime::{Runtime, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

/// How long an operation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// As the call itself sees fit: its default.
    Default,
    /// So long.
    After(Duration),
    /// No limit.
    Never,
}

impl Limit {
    pub(super) fn deadline(self) -> Deadline {
        match self {
            Limit::After(duration) => Deadline::after(duration),
            Limit::Default | Limit::Never => Deadline::NEVER,
        }
    }

    /// The limit for one request: None is the client's own.
    pub fn for_request(self) -> Option<Duration> {
        match self {
            Limit::Default => None,
            Limit::After(duration) => Some(duration),
            // A request always has some limit; a year is none in practice.
            Limit::Never => Some(Duration::from_secs(365 * 24 * 3600)),
        }
    }
}

/// Cancels what it was given to; any thread may fire it, once for all.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(CancellationToken);

impl CancelToken {
    /// One that has not fired.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fires.
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Whether it has fired.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until it fires.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn cancelled(&self) {
        self.0.cancelled().await;
    }
}

/// An operation that was started. Dropping it changes nothing.
#[derive(Clone, Debug)]
pub struct Operation(CancelToken);

impl Operation {
    /// Starts `work` on `runtime`. `complete` is called exactly once, on the runtime's thread, so it must not wait:
    /// with the result; with Cancelled when it was cancelled first, DeadlineExceeded at the limit, Internal when
    /// `work` panicked, Closed when the runtime ended.
    pub fn start<T: Send + 'static>(
        runtime: &Runtime,
        op: &'static str,
        limit: Limit,
        cancel: CancelToken,
        work: impl Future<Output = Result<T>> + Send + 'static,
        complete: impl FnOnce(Result<T>) + Send + 'static,
    ) -> Self {
        let (operation, work) = Self::prepare(op, false, limit, cancel, work, complete);
        runtime.spawn(work);
        operation
    }

    /// As [`start`](Self::start), but nothing begins until the work is given to a runtime. Of work that `writes`, given up
    /// in the middle, the error says that it may have been applied. The limit begins now. Work that is dropped completes
    /// with Closed.
    pub fn prepare<T: Send + 'static>(
        op: &'static str,
        writes: bool,
        limit: Limit,
        cancel: CancelToken,
        work: impl Future<Output = Result<T>> + Send + 'static,
        complete: impl FnOnce(Result<T>) + Send + 'static,
    ) -> (Self, Work) {
        let deadline = limit.deadline();
        let given_up = move |kind| Err(Error::new(kind, op).with_maybe_applied(writes));
        let completion = Completion { op, complete: Some(complete), of: std::marker::PhantomData };
        let fired = cancel.0.clone();
        // In a box of its own at once: what a future is made of is copied into each that is made of it.
        let work = Box::pin(
            AssertUnwindSafe(async move {
                panic_for_a_test(op, "work");
                work.await
            })
            .catch_unwind(),
        );
        let work = Box::pin(async move {
            let result = tokio::select! {
                biased;
                result = work => result.unwrap_or_else(|panic| Err(caught(op, &*panic))),
                () = fired.cancelled() => given_up(ErrorKind::Cancelled),
                () = deadline.passed() => given_up(ErrorKind::DeadlineExceeded),
            };
            // One that panics is a bug of the surface; it is told, and this thread lives on.
            if let Err(panic) = std::panic::catch_unwind(AssertUnwindSafe(|| completion.complete(result))) {
                drop(caught(op, &*panic));
            }
        });
        (Self(cancel), work)
    }

    /// Starts `work` and waits for it on this thread, which carries it out itself where nobody else waits.
    ///
    /// # Errors
    /// Those of [`Operation::start`].
    pub fn run<T: Send + 'static>(
        runtime: &Runtime,
        op: &'static str,
        limit: Limit,
        cancel: CancelToken,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        let (done, result) = mpsc::sync_channel(1);
        let complete = move |result| {
            // The waiter is below and does not go before.
            drop(done.send(result));
        };
        let (_, work) = Self::prepare(op, false, limit, cancel, work, complete);
        let result = runtime.wait_for(work, Duration::MAX, |_| result.recv());
        result.unwrap_or_else(|_| Err(Error::new(ErrorKind::Internal, op).with_detail("no completion came")))
    }

    /// Asks it to end. If success is quicker, success it is.
    pub fn cancel(&self) {
        self.0.cancel();
    }
}

/// Calls back exactly once, also when it is dropped with the runtime.
struct Completion<T, F: FnOnce(Result<T>)> {
    op: &'static str,
    complete: Option<F>,
    of: std::marker::PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Result<T>)> Completion<T, F> {
    fn complete(mut self, result: Result<T>) {
        if let Some(complete) = self.complete.take() {
            complete(result);
        }
    }
}

impl<T, F: FnOnce(Result<T>)> Drop for Completion<T, F> {
    fn drop(&mut self) {
        if let Some(complete) = self.complete.take() {
            complete(Err(Error::closed(self.op)));
        }
    }
}
