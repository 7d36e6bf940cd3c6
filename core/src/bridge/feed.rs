//! What goes on and on (a watch, an observation), for a consumer of the other language that takes it itself.
//!
//! Nothing is moved into another buffer: the events stay where the core bounds and coalesces them until the consumer
//! takes them. It takes until nothing is left, and then waits for [`Feed::ready`], once: one wake-up, however many come.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::Stream;

use super::guard::caught;
use super::runtime::Runtime;
use crate::error::Result;

/// Events for one consumer. Dropping it ends their source.
pub struct Feed<E> {
    state: Mutex<State<E>>,
    op: &'static str,
    /// The source may sleep and send wherever it is polled. Dropped after it.
    runtime: Runtime,
}

struct State<E> {
    /// None once it has ended.
    source: Option<Pin<Box<dyn Stream<Item = Result<E>> + Send>>>,
    /// What [`Feed::ready`] found, and nobody has taken yet.
    head: Option<Result<E>>,
    /// Who waits for the next.
    waiting: Option<Waker>,
}

/// What there was.
#[derive(Debug)]
pub struct Taken<E> {
    /// In order. An error among them says that one is missing or unreadable; the others go on.
    pub events: Vec<Result<E>>,
    /// Nothing will ever follow.
    pub is_over: bool,
}

impl<E> Feed<E> {
    /// What `source` yields. It is polled by whoever takes or waits; a panic in it is its last event.
    pub fn new(runtime: &Runtime, op: &'static str, source: impl Stream<Item = Result<E>> + Send + 'static) -> Self {
        let state = State { source: Some(Box::pin(source)), head: None, waiting: None };
        Self { state: Mutex::new(state), op, runtime: runtime.clone() }
    }

    /// Waits until there is something to take, or all is over.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken.
    pub async fn ready(&self) {
        std::future::poll_fn(|cx| self.poll_ready(cx)).await;
    }

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.head.is_none() {
            match state.poll(self.op, cx) {
                Poll::Pending => {
                    state.waiting = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(head) => state.head = head,
            }
        }
        state.waiting = None;
        Poll::Ready(())
    }

    /// Takes up to `most` of what is there now. Never waits.
    pub fn take(&self, most: usize) -> Taken<E> {
        let _context = self.runtime.handle().enter();
        let mut state = self.lock();
        let mut events = Vec::new();
        let mut cx = Context::from_waker(Waker::noop());
        while events.len() < most {
            match state.head.take().map_or_else(|| state.poll(self.op, &mut cx), |head| Poll::Ready(Some(head))) {
                Poll::Ready(Some(event)) => events.push(event),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        // It waited with its own waker, in whose place the source has the empty one now.
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
        Taken { events, is_over: state.source.is_none() && state.head.is_none() }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> State<E> {
    fn poll(&mut self, op: &'static str, cx: &mut Context<'_>) -> Poll<Option<Result<E>>> {
        let Some(source) = self.source.as_mut() else { return Poll::Ready(None) };
        let polled = catch_unwind(AssertUnwindSafe(|| source.as_mut().poll_next(cx)));
        let (polled, over) = match polled {
            Ok(polled) => (polled, false),
            Err(panic) => (Poll::Ready(Some(Err(caught(op, &*panic)))), true),
        };
        if over || matches!(polled, Poll::Ready(None)) {
            self.source = None;
        }
        polled
    }
}

impl<E> std::fmt::Debug for Feed<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("op", &self.op).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
