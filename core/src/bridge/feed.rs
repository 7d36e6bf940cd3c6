//! What goes on and on (a watch, an observation), for a consumer of the other language that takes it itself.
//!
//! Nothing is moved into another buffer: the events stay where the core bounds and coalesces them until the consumer
//! takes them. It takes until nothing is left, asks to be told ([`Feed::wait`]), and is, once: one wake-up, however many
//! come. Who tells it is one task for as long as the feed lasts ([`Feed::attend`]), so that asking wakes no thread. A
//! thread that expects more at once may linger instead ([`Feed::linger`]), and is woken directly.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;

use super::guard::caught;
use super::runtime::Runtime;
use crate::error::Result;

/// Events for one consumer. Dropping it ends their source.
pub struct Feed<E> {
    state: Mutex<State<E>>,
    /// For those who linger.
    found: Condvar,
    op: &'static str,
    /// The source may sleep and send wherever it is polled. Dropped after it.
    runtime: Runtime,
}

struct State<E> {
    /// None once it has ended.
    source: Option<Pin<Box<dyn Stream<Item = Result<E>> + Send>>>,
    /// What was found for somebody who asked, and nobody has taken yet.
    head: Option<Result<E>>,
    /// Whom the source wakes, whoever polled it last. None before it attends.
    attendant: Option<Waker>,
    /// The consumer is to be told.
    asked: bool,
    /// How many threads linger.
    lingering: usize,
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
    /// What `source` yields. It is polled by whoever takes, waits or attends; a panic in it is its last event.
    pub fn new(runtime: &Runtime, op: &'static str, source: impl Stream<Item = Result<E>> + Send + 'static) -> Self {
        let state = State { source: Some(Box::pin(source)), head: None, attendant: None, asked: false, lingering: 0 };
        Self { state: Mutex::new(state), found: Condvar::new(), op, runtime: runtime.clone() }
    }

    /// Asks for being told, once, when there is something to take, or all is over. False when that is so already; then
    /// nobody is told. Never waits.
    pub fn wait(&self) -> bool {
        let _context = self.runtime.handle().enter();
        let mut state = self.lock();
        // Without an attendant whom the source could wake, it looks itself when it comes.
        state.asked = state.attendant.is_none() || !state.has_something(self.op);
        state.asked
    }

    /// Waits on this thread, at most so long, for something to take or the end; whether it has come. Without an attendant
    /// it may notice only when the time is over.
    pub fn linger(&self, patience: Duration) -> bool {
        let _context = self.runtime.handle().enter();
        let mut state = self.lock();
        if state.has_something(self.op) {
            return true;
        }
        state.lingering += 1;
        let nothing = |state: &mut State<E>| state.head.is_none() && state.source.is_some();
        let waited = self.found.wait_timeout_while(state, patience, nothing);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.lingering -= 1;
        state.has_something(self.op)
    }

    /// Ends it: its source is dropped, those who linger go on, and nothing follows.
    pub fn end(&self) {
        let mut state = self.lock();
        let ended = (state.source.take(), state.head.take());
        drop(state);
        self.found.notify_all();
        drop(ended);
    }

    /// Tells whoever asks. Never ends; for one task.
    ///
    /// # Cancel safety
    /// Nothing is taken; nobody is told any more.
    pub async fn attend(&self, tell: impl Fn()) {
        loop {
            std::future::poll_fn(|cx| self.poll_asked(cx)).await;
            tell();
        }
    }

    fn poll_asked(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        state.attendant.get_or_insert_with(|| cx.waker().clone()).clone_from(cx.waker());
        if !(state.asked || state.lingering > 0) || !state.has_something(self.op) {
            return Poll::Pending;
        }
        if state.lingering > 0 {
            self.found.notify_all();
        }
        if !state.asked {
            return Poll::Pending;
        }
        state.asked = false;
        Poll::Ready(())
    }

    /// Takes up to `most` of what is there now. Never waits.
    pub fn take(&self, most: usize) -> Taken<E> {
        let _context = self.runtime.handle().enter();
        let mut state = self.lock();
        let mut events = Vec::new();
        while events.len() < most {
            match state.head.take().map_or_else(|| state.poll(self.op), |head| Poll::Ready(Some(head))) {
                Poll::Ready(Some(event)) => events.push(event),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        Taken { events, is_over: state.source.is_none() && state.head.is_none() }
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> State<E> {
    /// Whether a consumer would find something, or the end.
    fn has_something(&mut self, op: &'static str) -> bool {
        if self.head.is_none()
            && let Poll::Ready(head) = self.poll(op)
        {
            self.head = head;
        }
        self.head.is_some() || self.source.is_none()
    }

    fn poll(&mut self, op: &'static str) -> Poll<Option<Result<E>>> {
        let Some(source) = self.source.as_mut() else { return Poll::Ready(None) };
        let mut cx = Context::from_waker(self.attendant.as_ref().unwrap_or(Waker::noop()));
        let polled = catch_unwind(AssertUnwindSafe(|| source.as_mut().poll_next(&mut cx)));
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
