//! Starting an operation, and its answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gocore_etcd_core::bridge::{self, CancelToken, Limit, Notices, Owned, Runtime, Work, guarded, panic_for_a_test};
use gocore_etcd_core::{Client, Error, Result};
use pyo3::prelude::*;

use crate::error::{exception, raise};
use crate::inbox::Mail;
use crate::queue::Notice;
use crate::slot::{Slot, Way};

/// What every handle of a client shares: where its work runs and where its answers go.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) runtime: Runtime,
    pub(crate) notices: Arc<Notices<Notice>>,
}

/// How a call is to be carried out.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) op: &'static str,
    /// For errors that know none.
    pub(crate) key: &'a [u8],
    /// What it may have written is told when it is given up.
    pub(crate) writes: bool,
    pub(crate) limit: Limit,
    /// Who is told by the dispatcher; 0: whoever is to have the answer begins the operation.
    pub(crate) waiter: u64,
}

/// A result becomes a Python object on the thread that asked for it, not on the dispatcher's.
pub(crate) type Convert = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// The answer to a call, to be taken once. What nobody takes is released; but not by a forked child, whose parent has it.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Answer(Owned<Mutex<Option<Result<Convert>>>>);

#[pymethods]
impl Answer {
    /// The result, or an exception to be raised.
    fn take(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let op = "answer.take";
        let answer = enter(py, op, || Ok(self.0.get(op)?.lock().unwrap_or_else(PoisonError::into_inner).take()))?;
        match answer {
            Some(Ok(convert)) => convert(py),
            Some(Err(error)) => exception(py, &error),
            None => Ok(py.None()),
        }
    }
}

/// A call that is under way. Cancelled when it goes, unless it gives something back: a signal may strike between its
/// start and the moment somebody has it.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Operation {
    under_way: Owned<UnderWay>,
    goes_on: bool,
}

struct UnderWay {
    operation: bridge::Operation,
    slot: Arc<Slot>,
    /// What its waiter is to begin.
    unbegun: Mutex<Option<(Runtime, Work)>>,
}

#[pymethods]
impl Operation {
    /// Has the answer told to this waiter when it comes; gives it if it is here already.
    fn hand_over(&self, py: Python<'_>, waiter: u64) -> PyResult<Option<Answer>> {
        let op = "operation.hand_over";
        enter(py, op, || {
            let under_way = self.under_way.get(op)?;
            under_way.begin();
            Ok(under_way.slot.hand_over(Way::Dispatcher(waiter)))
        })
    }

    /// Asks it to end. A waiter's answer still comes; one that was kept for a thread is released.
    fn cancel(&self) {
        // Not in a forked child, where it is the parent's.
        if let Ok(under_way) = self.under_way.get("operation.cancel") {
            under_way.operation.cancel();
            // What was not begun never is.
            drop(under_way.take_unbegun());
            under_way.slot.abandon();
        }
    }
}

impl UnderWay {
    fn take_unbegun(&self) -> Option<(Runtime, Work)> {
        self.unbegun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn begin(&self) {
        if let Some((runtime, work)) = self.take_unbegun() {
            runtime.spawn(work);
        }
    }
}

impl Operation {
    /// A wait for its answer on this thread, which begins it. Nothing in it is Python's.
    ///
    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn waiting(&self, op: &'static str) -> Result<Waiting> {
        let under_way = self.under_way.get(op)?;
        Ok(Waiting { slot: under_way.slot.clone(), unbegun: under_way.take_unbegun() })
    }

    /// Has the answer go this way; gives what is to be begun, if it was not.
    ///
    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn send(&self, op: &'static str, mail: &Arc<Mail>, waiter: u64) -> Result<Option<(Runtime, Work)>> {
        let under_way = self.under_way.get(op)?;
        if let Some(answer) = under_way.slot.hand_over(Way::Loop(mail.clone(), waiter)) {
            mail.put(waiter, answer);
        }
        Ok(under_way.take_unbegun())
    }

    /// Not cancelled when nobody waits any more.
    pub(crate) fn going_on(mut self) -> Self {
        self.goes_on = true;
        self
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        match self.under_way.get("operation.drop") {
            Ok(under_way) if self.goes_on => under_way.begin(),
            _ => self.cancel(),
        }
    }
}

/// A thread that waits for an answer of its own.
pub(crate) struct Waiting {
    slot: Arc<Slot>,
    unbegun: Option<(Runtime, Work)>,
}

impl Waiting {
    /// The answer, after so long at most.
    pub(crate) fn wait(&mut self, patience: Duration) -> Option<Answer> {
        match self.unbegun.take() {
            Some((runtime, work)) => runtime.wait_for(work, patience, |patience| self.slot.wait(patience)),
            None => self.slot.wait(patience),
        }
    }

    /// Where it will be.
    pub(crate) fn slot(&self) -> Arc<Slot> {
        self.slot.clone()
    }
}

/// Nanoseconds; None is no limit, a negative number the call's default.
pub(crate) fn limit_of(nanos: Option<i64>) -> Limit {
    match nanos.map(u64::try_from) {
        None => Limit::Never,
        Some(Ok(nanos)) => Limit::After(Duration::from_nanos(nanos)),
        Some(Err(_)) => Limit::Default,
    }
}

/// Begins an entry: a panic and an error of the library become exceptions.
pub(crate) fn enter<T>(py: Python<'_>, op: &'static str, work: impl FnOnce() -> Result<T>) -> PyResult<T> {
    let work = || {
        panic_for_a_test(op, "entry");
        work()
    };
    guarded(op, work).map_err(|error| raise(py, &error))
}

/// Starts `work`; its answer goes to the call's waiter, or is kept. `convert` makes the Python object, attached, where it
/// is taken.
pub(crate) fn start<T: Send + 'static>(
    runtime: &Runtime,
    notices: &Arc<Notices<Notice>>,
    call: Call<'_>,
    work: impl Future<Output = Result<T>> + Send + 'static,
    convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
) -> Operation {
    let Call { op, key, writes, limit, waiter } = call;
    let (notices, key) = (notices.clone(), key.to_vec());
    let slot = Arc::new(Slot::new(waiter));
    let arrives = slot.clone();
    let complete = move |result: Result<T>| {
        let answer = match result {
            Ok(value) => Ok(Box::new(move |py: Python<'_>| convert(py, value)) as Convert),
            Err(error) => Err(with_key(error, &key)),
        };
        match arrives.put(Answer(Owned::new(Mutex::new(Some(answer))))) {
            // When the dispatcher has ended nobody waits: the result is released here.
            Some((Way::Dispatcher(waiter), answer)) => drop(notices.push(Notice { waiter, answer })),
            Some((Way::Loop(mail, waiter), answer)) => mail.put(waiter, answer),
            None => {}
        }
    };
    let (operation, work) = bridge::Operation::prepare(op, writes, limit, CancelToken::new(), work, complete);
    let unbegun = match waiter {
        // Who waits for it begins it.
        0 => Some((runtime.clone(), work)),
        _ => {
            runtime.spawn(work);
            None
        }
    };
    Operation { under_way: Owned::new(UnderWay { operation, slot, unbegun: Mutex::new(unbegun) }), goes_on: false }
}

fn with_key(error: Error, key: &[u8]) -> Error {
    if key.is_empty() { error } else { bridge::or_key(error, key) }
}
