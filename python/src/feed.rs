//! What goes on and on, for a consumer in Python: it takes what there is itself, and is told once when there is more.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use gocore_etcd_core::bridge::{self, Limit, Notices, Owned, Runtime, failed};
use gocore_etcd_core::{ErrorKind, Result};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::call::{Call, Connection, Convert, Operation, enter, start};
use crate::error::Failure;
use crate::queue::{Notice, Queue};
use crate::way_back::away;

/// Events for one consumer. Their source ends when it is closed, or when nobody has it any more.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Feed(Owned<Inner>);

struct Inner {
    op: &'static str,
    runtime: Runtime,
    notices: Arc<Notices<Notice>>,
    open: Mutex<Option<Open>>,
}

struct Open {
    feed: Arc<bridge::Feed<Convert>>,
    /// Tells the waiter, also by its own end. Begins with the first wait.
    attendant: Option<Operation>,
}

impl Feed {
    /// What `source` yields, made into Python objects by `convert` on the consumer's thread.
    pub(crate) fn new<E: Send + 'static>(
        connection: &Connection,
        op: &'static str,
        source: impl Stream<Item = Result<E>> + Send + 'static,
        convert: impl Fn(Python<'_>, E) -> PyResult<Py<PyAny>> + Clone + Send + 'static,
    ) -> Self {
        let source = source.map(move |event| {
            let convert = convert.clone();
            event.map(|event| Box::new(move |py: Python<'_>| convert(py, event)) as Convert)
        });
        let (runtime, notices) = (connection.runtime.clone(), connection.notices.clone());
        let feed = Arc::new(bridge::Feed::new(&runtime, op, source));
        let open = Open { feed, attendant: None };
        Self(Owned::new(Inner { op, runtime, notices, open: Mutex::new(Some(open)) }))
    }

    fn inner(&self) -> Result<&Inner> {
        self.0.get(self.0.peek().op)
    }
}

#[pymethods]
impl Feed {
    /// Adds up to `most` of what is there now to the end of `into`, the first last; an error among them as a `Failure`,
    /// what cannot be made as the exception for that. True when nothing will ever follow. Never waits.
    ///
    /// Into a list, because what a method gives back is lost when a signal strikes before its caller has it. Nothing here
    /// runs Python, in which what a signal raises would take the place of an event. And the GIL is kept: a daemon thread
    /// that gave it up could come back to an interpreter that has ended.
    fn take(&self, py: Python<'_>, into: &Bound<'_, PyList>, most: usize) -> PyResult<bool> {
        let taken = enter(py, self.0.peek().op, || {
            let inner = self.inner()?;
            let feed = inner.open().as_ref().map(|open| open.feed.clone());
            Ok(feed.ok_or_else(|| inner.closed())?.take(most))
        })?;
        for event in taken.events.into_iter().rev() {
            // What cannot be made is told in its place; the others are not lost by it.
            let made = event.map_or_else(|error| Failure(error).into_py_any(py), |convert| convert(py));
            into.append(made.unwrap_or_else(|failed| failed.into_value(py).into_any()))?;
        }
        Ok(taken.is_over)
    }

    /// Has the waiter told, once, when there is something to take, all is over, or it is closed. It is the same waiter
    /// each time, whoever of several consumers it waits for.
    fn wait(&self, py: Python<'_>, waiter: u64) -> PyResult<()> {
        enter(py, self.0.peek().op, || {
            let inner = self.inner()?;
            let feed = inner.attended(waiter)?;
            if !feed.wait() {
                inner.teller(waiter)();
            }
            Ok(())
        })
    }

    /// Waits on this thread, at most so many nanoseconds, for something to take, or for the end; whether it has come. Deaf to
    /// signals meanwhile. The waiter is that of `wait`. What ends after the queue's `leave_behind` never returns.
    fn linger(&self, py: Python<'_>, queue: &Queue, waiter: u64, nanos: u64) -> PyResult<bool> {
        let feed = enter(py, self.0.peek().op, || self.inner()?.attended(waiter))?;
        Ok(away(py, &queue.way_back, move || feed.linger(Duration::from_nanos(nanos)), drop))
    }

    /// Ends it. Not in a forked child, where it is the parent's.
    fn close(&self) {
        if let Ok(inner) = self.inner() {
            let open = inner.open().take();
            // Whoever lingers has it, too.
            open.iter().for_each(|open| open.feed.end());
            drop(open);
        }
    }
}

impl Inner {
    /// The feed, with somebody who attends it.
    fn attended(&self, waiter: u64) -> Result<Arc<bridge::Feed<Convert>>> {
        let mut open = self.open();
        let Open { feed, attendant } = open.as_mut().ok_or_else(|| self.closed())?;
        if attendant.is_none() {
            let (attended, tell) = (feed.clone(), self.teller(waiter));
            let attend = async move {
                attended.attend(tell).await;
                Ok(())
            };
            *attendant = Some(start(&self.runtime, &self.notices, self.call(waiter), attend, |py, ()| Ok(py.None())));
        }
        Ok(feed.clone())
    }

    /// Tells the waiter, the way answers come: by an operation that is over at once.
    fn teller(&self, waiter: u64) -> impl Fn() + Send + use<> {
        let (runtime, notices, call) = (self.runtime.clone(), self.notices.clone(), self.call(waiter));
        move || drop(start(&runtime, &notices, call, async { Ok(()) }, |py, ()| Ok(py.None())).going_on())
    }

    fn call(&self, waiter: u64) -> Call<'static> {
        Call { op: self.op, key: b"", writes: false, limit: Limit::Never, waiter }
    }

    fn open(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn closed(&self) -> gocore_etcd_core::Error {
        failed(ErrorKind::Closed, self.op, "it was closed by its owner")
    }
}
