//! What is had in etcd until it is given back or lost (a lock, a leadership, a candidacy), behind its Python object.

use std::sync::Arc;

use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::Owned;
use pyo3::prelude::*;

use crate::call::{Call, Connection, Operation, start};

/// Shared by the object and the operations that are under way on it. Gone, what it holds is given back in the background.
pub(crate) struct Held<T>(Owned<Shared<T>>);

struct Shared<T> {
    held: Arc<T>,
    key: String,
    connection: Arc<Connection>,
}

impl<T> Held<T> {
    /// `key` is its full key in etcd.
    pub(crate) fn new(connection: Arc<Connection>, key: impl Into<String>, held: Arc<T>) -> Self {
        Self(Owned::new(Shared { held, key: key.into(), connection }))
    }

    pub(crate) fn key(&self) -> &str {
        &self.0.peek().key
    }

    /// For what neither waits nor takes a lock: in a forked child it is the parent's.
    pub(crate) fn peek(&self) -> &T {
        &self.0.peek().held
    }

    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn get(&self, op: &'static str) -> Result<&T> {
        Ok(&self.0.get(op)?.held)
    }

    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn connection(&self, op: &'static str) -> Result<&Arc<Connection>> {
        Ok(&self.0.get(op)?.connection)
    }

    /// Starts something on it, whose default limit is that of its requests; for errors its key is the call's.
    pub(crate) fn begin<R, F>(
        &self,
        call: Call<'_>,
        work: impl FnOnce(Arc<T>) -> F,
        convert: impl FnOnce(Python<'_>, R) -> PyResult<Py<PyAny>> + Send + 'static,
    ) -> Result<Operation>
    where
        R: Send + 'static,
        F: Future<Output = Result<R>> + Send + 'static,
    {
        let Shared { held, key, connection } = self.0.get(call.op)?;
        let call = Call { key: key.as_bytes(), ..call };
        Ok(start(&connection.runtime, &connection.notices, call, work(held.clone()), convert))
    }
}

/// The fencing condition of an owner, for a transaction.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Guard(pub(crate) gocore_etcd_core::Guard);
