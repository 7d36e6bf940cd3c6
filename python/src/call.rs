//! Starting an operation, and its answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gocore_etcd_core::bridge::{self, CancelToken, Limit, Notices, Owned, Runtime, guarded, panic_for_a_test};
use gocore_etcd_core::{Client, Error, Result};
use pyo3::prelude::*;

use crate::error::{exception, raise};
use crate::queue::Notice;
use crate::slot::Slot;

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
    /// Who is told by the dispatcher; 0: the operation keeps its answer for a thread that waits for it itself.
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
}

#[pymethods]
impl Operation {
    /// Has the answer told to this waiter when it comes; gives it if it is here already.
    fn hand_over(&self, py: Python<'_>, waiter: u64) -> PyResult<Option<Answer>> {
        let op = "operation.hand_over";
        enter(py, op, || Ok(self.slot(op)?.hand_over(waiter)))
    }

    /// Asks it to end. A waiter's answer still comes; one that was kept for a thread is released.
    fn cancel(&self) {
        // Not in a forked child, where it is the parent's.
        if let Ok(UnderWay { operation, slot }) = self.under_way.get("operation.cancel") {
            operation.cancel();
            slot.abandon();
        }
    }
}

impl Operation {
    /// Where its answer arrives.
    ///
    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn slot(&self, op: &'static str) -> Result<&Arc<Slot>> {
        Ok(&self.under_way.get(op)?.slot)
    }

    /// Not cancelled when nobody waits any more.
    pub(crate) fn going_on(mut self) -> Self {
        self.goes_on = true;
        self
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if !self.goes_on {
            self.cancel();
        }
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
        if let Some((waiter, answer)) = arrives.put(Answer(Owned::new(Mutex::new(Some(answer))))) {
            // When the dispatcher has ended nobody waits: the result is released here.
            drop(notices.push(Notice { waiter, answer }));
        }
    };
    let work = async move {
        panic_for_a_test(op, "work");
        work.await
    };
    let cancel = CancelToken::new();
    let operation = if writes {
        bridge::Operation::start_write(runtime, op, limit, cancel, work, complete)
    } else {
        bridge::Operation::start(runtime, op, limit, cancel, work, complete)
    };
    Operation { under_way: Owned::new(UnderWay { operation, slot }), goes_on: false }
}

fn with_key(error: Error, key: &[u8]) -> Error {
    if key.is_empty() { error } else { bridge::or_key(error, key) }
}
