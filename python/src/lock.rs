//! The lock.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{Limit, Owned};
use gocore_etcd_core::{Lock as CoreLock, Result};
use pyo3::prelude::*;

use crate::call::{Call, Connection, Operation, enter, limit_of, start};
use crate::client::Client;

/// A held lock. Released in the background when it goes without having been unlocked.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Lock(Owned<Held>);

struct Held {
    /// Shared with the operations on it that are under way.
    lock: Arc<CoreLock>,
    connection: Arc<Connection>,
}

impl Lock {
    fn new(connection: Arc<Connection>, lock: CoreLock) -> Self {
        Self(Owned::new(Held { lock: Arc::new(lock), connection }))
    }

    /// Starts something on the lock, whose default limit is that of its requests.
    fn begin<T, F>(
        &self,
        op: &'static str,
        waiter: u64,
        limit: Limit,
        work: impl FnOnce(Arc<CoreLock>) -> F,
        convert: impl FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Result<Operation>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let Held { lock, connection } = self.0.get(op)?;
        let call = Call { op, key: lock.key().as_bytes(), writes: true, limit, waiter };
        Ok(start(&connection.runtime, &connection.notices, call, work(lock.clone()), convert))
    }
}

#[pymethods]
impl Lock {
    #[getter]
    fn key(&self) -> &str {
        self.0.peek().lock.key()
    }

    #[getter]
    fn token(&self) -> i64 {
        self.0.peek().lock.token()
    }

    /// Whether it is held now. Never, in a forked child: there it belongs to the parent.
    fn is_held(&self) -> bool {
        self.0.get("lock.is_held").is_ok_and(|held| held.lock.is_held())
    }

    /// The condition under which a transaction is still the owner's.
    fn guard(&self) -> Guard {
        Guard(self.0.peek().lock.guard())
    }
}

/// The fencing condition of a lock, for a transaction.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Guard(pub(crate) gocore_etcd_core::Guard);

/// Starts waiting for a lock; the answer is a `Lock`.
#[pyfunction]
pub(crate) fn lock_acquire(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: String,
    ttl: u64,
) -> PyResult<Operation> {
    let op = "lock.acquire";
    enter(py, op, || {
        let connection = client.connection(op)?.clone();
        let core = connection.client.clone();
        let shown = key.clone();
        let call = Call { op, key: shown.as_bytes(), writes: false, limit: limit_of(limit), waiter };
        let work = async move { core.lock(&key, Duration::from_nanos(ttl)).await };
        let owner = connection.clone();
        Ok(start(&connection.runtime, &connection.notices, call, work, move |py, lock| {
            Ok(Py::new(py, Lock::new(owner, lock))?.into_any())
        }))
    })
}

/// Starts an attempt at a lock; the answer is a `Lock`, or None when somebody holds it or waits for it.
#[pyfunction]
pub(crate) fn lock_try_acquire(
    py: Python<'_>,
    client: &Client,
    waiter: u64,
    limit: Option<i64>,
    key: String,
    ttl: u64,
) -> PyResult<Operation> {
    let op = "lock.try_acquire";
    enter(py, op, || {
        let connection = client.connection(op)?.clone();
        let core = connection.client.clone();
        let shown = key.clone();
        let call = Call { op, key: shown.as_bytes(), writes: false, limit: limit_of(limit), waiter };
        let work = async move { core.try_lock(&key, Duration::from_nanos(ttl)).await };
        let owner = connection.clone();
        Ok(start(&connection.runtime, &connection.notices, call, work, move |py, lock| match lock {
            Some(lock) => Ok(Py::new(py, Lock::new(owner, lock))?.into_any()),
            None => Ok(py.None()),
        }))
    })
}

/// Starts waiting for the lock's end; the answer is None.
#[pyfunction]
pub(crate) fn lock_wait_lost(py: Python<'_>, lock: &Lock, waiter: u64, limit: Option<i64>) -> PyResult<Operation> {
    let op = "lock.wait_lost";
    // It waits for the end without keeping the lock from ending.
    let lost = |lock: Arc<CoreLock>| {
        let lost = lock.lost();
        async move {
            lost.await;
            Ok(())
        }
    };
    enter(py, op, || lock.begin(op, waiter, limit_of(limit), lost, |py, ()| Ok(py.None())))
}

/// Starts a write that etcd carries out only if the lock is still held; the answer is its revision.
#[pyfunction]
pub(crate) fn lock_put(
    py: Python<'_>,
    lock: &Lock,
    waiter: u64,
    limit: Option<i64>,
    key: &[u8],
    value: &[u8],
) -> PyResult<Operation> {
    let op = "lock.put";
    let (key, value) = (key.to_vec(), value.to_vec());
    let put = |lock: Arc<CoreLock>| async move { lock.put(key, value).await };
    enter(py, op, || {
        lock.begin(op, waiter, limit_of(limit), put, |py, revision: i64| {
            Ok(revision.into_pyobject(py)?.into_any().unbind())
        })
    })
}

/// Starts giving the lock back; the answer is None.
#[pyfunction]
pub(crate) fn lock_unlock(py: Python<'_>, lock: &Lock, waiter: u64, limit: Option<i64>) -> PyResult<Operation> {
    let op = "lock.unlock";
    let unlock = |lock: Arc<CoreLock>| async move { lock.unlock().await };
    enter(py, op, || Ok(lock.begin(op, waiter, limit_of(limit), unlock, |py, ()| Ok(py.None()))?.going_on()))
}
