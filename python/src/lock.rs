//! The lock.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::{Lock as CoreLock, PutOptions};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;

use crate::call::{Call, Connection, Operation, enter, limit_of, start};
use crate::client::Client;
use crate::held::{Guard, Held};

/// A held lock. Released in the background when it goes without having been unlocked.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Lock(Held<CoreLock>);

impl Lock {
    fn new(connection: Arc<Connection>, lock: CoreLock) -> Self {
        let key = lock.key().to_owned();
        Self(Held::new(connection, key, Arc::new(lock)))
    }
}

#[pymethods]
impl Lock {
    #[getter]
    fn key(&self) -> &str {
        self.0.key()
    }

    #[getter]
    fn token(&self) -> i64 {
        self.0.peek().token()
    }

    /// Whether it is held now. Never, in a forked child: there it belongs to the parent.
    fn is_held(&self) -> bool {
        self.0.get("lock.is_held").is_ok_and(CoreLock::is_held)
    }

    /// The condition under which a transaction is still the owner's.
    fn guard(&self) -> Guard {
        Guard(self.0.peek().guard())
    }
}

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

/// Starts waiting for the lock's end, without keeping it from ending; the answer is whether it was lost: if not, it was
/// given back.
#[pyfunction]
pub(crate) fn lock_loss(py: Python<'_>, lock: &Lock, waiter: u64, limit: Option<i64>) -> PyResult<Operation> {
    let op = "lock.wait_lost";
    let loss = |lock: Arc<CoreLock>| {
        let loss = lock.loss();
        async move { Ok(loss.await) }
    };
    let call = Call { op, key: b"", writes: false, limit: limit_of(limit), waiter };
    enter(py, op, || lock.0.begin(call, loss, |py, lost| lost.into_py_any(py)))
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
    lease: i64,
) -> PyResult<Operation> {
    let op = "lock.put";
    let (key, value) = (key.to_vec(), value.to_vec());
    let options = PutOptions { lease, ..PutOptions::default() };
    let put = |lock: Arc<CoreLock>| async move { lock.put_with(key, value, options).await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || lock.0.begin(call, put, |py, revision| revision.into_py_any(py)))
}

/// Starts giving the lock back; the answer is None.
#[pyfunction]
pub(crate) fn lock_unlock(py: Python<'_>, lock: &Lock, waiter: u64, limit: Option<i64>) -> PyResult<Operation> {
    let op = "lock.unlock";
    let unlock = |lock: Arc<CoreLock>| async move { lock.unlock().await };
    let call = Call { op, key: b"", writes: true, limit: limit_of(limit), waiter };
    enter(py, op, || Ok(lock.0.begin(call, unlock, |py, ()| Ok(py.None()))?.going_on()))
}
