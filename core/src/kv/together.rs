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
use crate::time::Deadline;
use crate::transport::CallKind;
use crate::txn::{Op, OpResult, Txn, TxnResult};

/// So many at most: all wait for the largest of their values, and etcd takes 128 operations unless it is told otherwise.
const MOST: usize = 32;
/// What is larger than this in all is better asked for in smaller parts.
const LARGE: usize = 1 << 20;
/// A get that has no more time than this when its request ends ends with it.
const NO_TIME: Duration = Duration::from_millis(10);

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
    deadline: Deadline,
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
        let (place, answer) = self.gather(key, door.deadline());
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

    fn gather(&self, key: Vec<u8>, deadline: Deadline) -> (Place<'_>, oneshot::Receiver<Answer>) {
        let (answer, told) = oneshot::channel();
        let mut state = self.state();
        state.numbers += 1;
        let number = state.numbers;
        state.gathering.push_back(Get { number, key, deadline, answer });
        (Place { gets: self, number }, told)
    }

    /// Asks for all of them at once, as long as all have time.
    async fn carry(self, door: Door, together: Vec<Get>) {
        let deadline = together.iter().fold(Deadline::NEVER, |earliest, get| earliest.min(get.deadline));
        let keys = together.iter().map(|get| get.key.clone());
        let plan = keys.fold(Txn::new(), |plan, key| plan.then(Op::get(key)));
        let error = match door.until(deadline).commit(plan, CallKind::Read).await {
            Ok(TxnResult { results, .. }) => {
                self.shrink_if_large(&results);
                together.into_iter().zip(results).for_each(|(get, result)| get.answered(result));
                return;
            }
            Err(error) => error,
        };
        if !is_everybody_s(&error) {
            tracing::debug!(%error, "gets that went together were refused, each goes by itself");
            self.shrink(error.kind(), together.len());
        }
        together.into_iter().for_each(|get| get.failed(&error));
    }

    fn shrink_if_large(&self, results: &[OpResult]) {
        let values = results.iter().flat_map(|result| match result {
            OpResult::Get(kvs) => kvs.as_slice(),
            _ => &[],
        });
        if values.map(|kv| kv.value.len()).sum::<usize>() > LARGE {
            self.shrink(ErrorKind::ResourceExhausted, results.len());
        }
    }

    /// Fewer go together from now on. For good, as what refuses them is seldom of the moment.
    fn shrink(&self, refused: ErrorKind, together: usize) {
        let mut state = self.state();
        let fewer = match refused {
            // So many were too many.
            ErrorKind::InvalidArgument
            | ErrorKind::ResourceExhausted
            | ErrorKind::Unsupported
            | ErrorKind::Malformed => state.most.min(together / 2),
            // That says nothing about how many there may be.
            _ => state.most / 2,
        };
        state.most = fewer.max(1);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Get {
    fn answered(self, result: OpResult) {
        let answer = match result {
            OpResult::Get(mut kvs) => Answer::Told(Ok(kvs.pop())),
            // Answered by a server that does not know what it was asked.
            _ => Answer::Alone(self.key),
        };
        // Who asked may have gone.
        drop(self.answer.send(answer));
    }

    fn failed(self, error: &Error) {
        let has_time = self.deadline.remaining().is_none_or(|left| left > NO_TIME);
        let is_over = error.kind() == ErrorKind::DeadlineExceeded;
        let answer = match is_everybody_s(error) && !(is_over && has_time) {
            true => Answer::Told(Err(error.clone().with_key(&self.key))),
            false => Answer::Alone(self.key),
        };
        drop(self.answer.send(answer));
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
    /// This one and those behind it; none when it was taken by another.
    fn take(self) -> Vec<Get> {
        let mut state = self.gets.state();
        let Some(at) = self.position(&state) else { return Vec::new() };
        let end = state.gathering.len().min(at + state.most);
        state.gathering.drain(at..end).collect()
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
