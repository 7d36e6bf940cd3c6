//! The way back: the core asks, the host answers. For validators, sources of the host's own, work that runs as leader.
//!
//! A request is an event with a number, which the host takes like any other event ([`Feed`](super::Feed)) and answers
//! whenever it can. An asker that goes (cancelled, past its deadline) takes its request back; if the host has it
//! already, the host is told, and its answer goes nowhere.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::{Stream, stream};
use tokio::sync::{Notify, oneshot};

use super::op::Limit;
use crate::error::{Error, ErrorKind, Result};

/// What the host is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request<Q> {
    /// Answer this, with [`Requests::reply`].
    Asked {
        /// Its number.
        id: u64,
        /// What is asked.
        question: Q,
    },
    /// Nobody waits for the answer any more: stop working on it.
    Withdrawn {
        /// Its number.
        id: u64,
    },
}

/// Requests to one host. Clones are the same.
pub struct Requests<Q, A>(Arc<Inner<Q, A>>);

struct Inner<Q, A> {
    state: Mutex<State<Q, A>>,
    filled: Notify,
}

struct State<Q, A> {
    /// What the host has not been told yet.
    queue: VecDeque<Request<Q>>,
    askers: HashMap<u64, oneshot::Sender<Result<A>>>,
    last: u64,
    closed: bool,
}

impl<Q, A> Clone for Requests<Q, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<Q: Send + 'static, A: Send + 'static> Default for Requests<Q, A> {
    fn default() -> Self {
        let state = State { queue: VecDeque::new(), askers: HashMap::new(), last: 0, closed: false };
        Self(Arc::new(Inner { state: Mutex::new(state), filled: Notify::new() }))
    }
}

impl<Q: Send + 'static, A: Send + 'static> Requests<Q, A> {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// The host's own; DeadlineExceeded at the limit; Closed when the host answers nothing any more.
    ///
    /// # Cancel safety
    /// Safe: the request is withdrawn.
    pub async fn ask(&self, op: &'static str, question: Q, limit: Limit) -> Result<A> {
        let (reply, answer) = oneshot::channel();
        let id = {
            let mut state = self.0.lock();
            if state.closed {
                return Err(Error::closed(op));
            }
            state.last += 1;
            let id = state.last;
            state.askers.insert(id, reply);
            state.queue.push_back(Request::Asked { id, question });
            id
        };
        self.0.filled.notify_one();
        let _asked = Asked { requests: &self.0, id };
        match limit.deadline().limit(answer).await {
            Ok(Ok(answer)) => answer,
            // Its sender went with the host.
            Ok(Err(_)) => Err(Error::closed(op)),
            Err(_) => Err(Error::new(ErrorKind::DeadlineExceeded, op).with_detail("the program gave no answer")),
        }
    }

    /// Answers the request `id`. False when nobody waits for it: answered before, withdrawn, or never asked.
    pub fn reply(&self, id: u64, answer: Result<A>) -> bool {
        let asker = self.0.lock().askers.remove(&id);
        asker.is_some_and(|asker| asker.send(answer).is_ok())
    }

    /// What is asked and taken back, for a [`Feed`](super::Feed): it ends with [`Requests::close`].
    pub fn incoming(&self) -> impl Stream<Item = Result<Request<Q>>> + Send + 'static + use<Q, A> {
        stream::unfold(self.clone(), |requests| async move {
            loop {
                let (next, closed) = {
                    let mut state = requests.0.lock();
                    (state.queue.pop_front(), state.closed)
                };
                match next {
                    Some(request) => return Some((Ok(request), requests)),
                    None if closed => return None,
                    // `notify_one` is kept for a consumer that comes to wait later.
                    None => requests.0.filled.notified().await,
                }
            }
        })
    }

    /// The host answers nothing any more: whoever asks or waits gets Closed.
    pub fn close(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        state.queue.clear();
        let askers = std::mem::take(&mut state.askers);
        drop(state);
        drop(askers);
        self.0.filled.notify_one();
    }
}

impl<Q, A> Inner<Q, A> {
    fn lock(&self) -> MutexGuard<'_, State<Q, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for an answer; when it goes without one the request is taken back.
struct Asked<'a, Q, A> {
    requests: &'a Inner<Q, A>,
    id: u64,
}

impl<Q, A> Drop for Asked<'_, Q, A> {
    fn drop(&mut self) {
        let mut state = self.requests.lock();
        if state.askers.remove(&self.id).is_none() || state.closed {
            return;
        }
        let untold = |request: &Request<Q>| matches!(request, Request::Asked { id, .. } if *id == self.id);
        match state.queue.iter().position(untold) {
            Some(place) => drop(state.queue.remove(place)),
            None => state.queue.push_back(Request::Withdrawn { id: self.id }),
        }
        drop(state);
        self.requests.filled.notify_one();
    }
}

impl<Q, A> std::fmt::Debug for Requests<Q, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests").field("unanswered", &self.0.lock().askers.len()).finish()
    }
}

#[cfg(test)]
mod tests;
