//! Gets that are begun together travel together: one request for many.
//!
//! A get that finds others under way gives its turn away once. What has come by then wants to read too, and goes along in
//! one transaction that only reads; as fresh as a get by itself, because it is sent after each of them was begun. One
//! that is alone is sent at once.
//!
//! What refuses a transaction may be the matter of one of its keys (that the user may not read, for instance). Then each
//! is asked for by itself, and fewer go together from then on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Door, KeyValue};
use crate::error::{Error, ErrorKind, Result};
use crate::range::check_key;
use crate::tasks::Tasks;
use crate::transport::CallKind;
use crate::txn::{Op, OpResult, Txn, TxnResult};

/// So many at most: all wait for the largest of their values, and etcd takes 128 operations unless it is told otherwise.
const MOST: usize = 32;

/// The gets of one client. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gets(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    under_way: usize,
    /// Those that have given their turn away, in the order of their numbers.
    gathering: VecDeque<Get>,
    numbers: u64,
    /// How many go together at most: fewer, once that was refused.
    most: usize,
}

impl Default for State {
    fn default() -> Self {
        Self { under_way: 0, gathering: VecDeque::new(), numbers: 0, most: MOST }
    }
}

#[derive(Debug)]
struct Get {
    number: u64,
    key: Vec<u8>,
    /// Only those that may take equally long go together.
    timeout: Duration,
    answer: oneshot::Sender<Answer>,
}

#[derive(Debug)]
enum Answer {
    Told(Result<Option<KeyValue>>),
    /// This key must be asked for by itself.
    Alone(Vec<u8>),
}

impl Gets {
    /// Reads one key, together with others that are begun now.
    pub(crate) async fn get(&self, door: Door, tasks: &Tasks, key: Vec<u8>) -> Result<Option<KeyValue>> {
        check_key(door.op(), &key)?;
        let under_way = UnderWay::begin(self);
        // Counted from now, whichever way it takes.
        let deadline = door.deadline();
        let door = door.until(deadline);
        let answer = match under_way.is_alone {
            true => Answer::Alone(key),
            false => self.go_along(&door, tasks, key).await,
        };
        match answer {
            Answer::Told(result) => result,
            Answer::Alone(key) => door.get(key).await,
        }
    }

    async fn go_along(&self, door: &Door, tasks: &Tasks, key: Vec<u8>) -> Answer {
        let (place, answer) = self.gather(key, door.request_timeout());
        give_turn_away().await;
        // Whoever comes first takes all.
        let mut together = place.take();
        if together.len() == 1
            && let Some(get) = together.pop()
        {
            return Answer::Alone(get.key);
        }
        if !together.is_empty() {
            tasks.spawn(self.clone().carry(door.clone(), together));
        }
        // Who carried it has ended with the client.
        answer.await.unwrap_or_else(|_| Answer::Told(Err(Error::closed(door.op()))))
    }

    fn gather(&self, key: Vec<u8>, timeout: Duration) -> (Place<'_>, oneshot::Receiver<Answer>) {
        let (answer, told) = oneshot::channel();
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        state.gathering.push_back(Get { number, key, timeout, answer });
        (Place { gets: self, number }, told)
    }

    /// Asks for all of them at once, until the limit of the first.
    async fn carry(self, door: Door, together: Vec<Get>) {
        let keys = together.iter().map(|get| get.key.clone());
        let plan = keys.fold(Txn::new(), |plan, key| plan.then(Op::get(key)));
        let result = door.commit(plan, CallKind::Read).await;
        let tell = |get: Get, result| drop(get.answer.send(Answer::Told(result)));
        let alone = |get: Get| drop(get.answer.send(Answer::Alone(get.key)));
        match result {
            Ok(TxnResult { results, .. }) => {
                for (get, result) in together.into_iter().zip(results) {
                    match result {
                        OpResult::Get(mut kvs) => tell(get, Ok(kvs.pop())),
                        // Answered by a server that does not know what it was asked.
                        _ => alone(get),
                    }
                }
            }
            Err(error) if is_everybody_s(&error) => {
                together.into_iter().for_each(|get| {
                    let error = error.clone().with_key(&get.key);
                    tell(get, Err(error));
                });
            }
            Err(error) => {
                tracing::debug!(%error, "gets that went together were refused, each goes by itself");
                self.shrink(together.len());
                together.into_iter().for_each(alone);
            }
        }
    }

    /// So many were refused together: half of them may pass. For good, as what refuses them is seldom of the moment.
    fn shrink(&self, refused: usize) {
        let mut state = self.state();
        state.most = state.most.min((refused / 2).max(1));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it has nothing to do with any one key: to ask for each by itself would only be more of it.
fn is_everybody_s(error: &Error) -> bool {
    error.is_retryable() || matches!(error.kind(), ErrorKind::Closed | ErrorKind::Unauthenticated)
}

/// Lets the tasks that are ready now go first.
async fn give_turn_away() {
    let mut is_given = false;
    poll_fn(|cx| {
        if mem::replace(&mut is_given, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts a get for as long as it lives.
struct UnderWay<'a> {
    gets: &'a Gets,
    is_alone: bool,
}

impl<'a> UnderWay<'a> {
    fn begin(gets: &'a Gets) -> Self {
        let mut state = gets.state();
        state.under_way += 1;
        Self { gets, is_alone: state.under_way == 1 }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.gets.state().under_way -= 1;
    }
}

/// A place among those that gather; dropped, it is given up.
struct Place<'a> {
    gets: &'a Gets,
    number: u64,
}

impl Place<'_> {
    /// This one and those behind it that may go along; none when it was taken by another.
    fn take(self) -> Vec<Get> {
        let mut state = self.gets.state();
        let mut together = Vec::new();
        let Some(mut at) = self.position(&state) else { return together };
        let timeout = state.gathering[at].timeout;
        while together.len() < state.most
            && let Some(next) = state.gathering.get(at)
        {
            match next.timeout == timeout {
                true => together.extend(state.gathering.remove(at)),
                false => at += 1,
            }
        }
        together
    }

    fn position(&self, state: &State) -> Option<usize> {
        state.gathering.binary_search_by_key(&self.number, |get| get.number).ok()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gets.state();
        if let Some(at) = self.position(&state) {
            state.gathering.remove(at);
        }
    }
}
