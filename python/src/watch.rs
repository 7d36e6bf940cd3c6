//! Watching keys.

use futures_util::stream;
use gocore_etcd_core::bridge::failed;
use gocore_etcd_core::{Change, ErrorKind, WatchUpdate};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::call::enter;
use crate::client::Client;
use crate::error::raise;
use crate::feed::Feed;
use crate::kv::RangeArgument;
use crate::values::{Changes, Connected, Delete, KeyValue, Put, Snapshot};

/// Starts a watch. It yields a `Snapshot`, `Changes` or `Connected`.
#[pyfunction]
pub(crate) fn kv_watch(py: Python<'_>, client: &Client, wanted: RangeArgument) -> PyResult<Feed> {
    let op = "kv.watch";
    enter(py, op, || {
        let connection = client.connection(op)?;
        let watch = connection.client.kv().watch(wanted.into_range(op)?)?;
        // It goes on over every error but the end of the client.
        let updates = stream::unfold(Some(watch), |watch| async move {
            let mut watch = watch?;
            let update = watch.next().await;
            let is_over = update.as_ref().is_err_and(|error| error.kind() == ErrorKind::Closed);
            Some((update, (!is_over).then_some(watch)))
        });
        Ok(Feed::new(connection, op, updates, update))
    })
}

fn update(py: Python<'_>, update: WatchUpdate) -> PyResult<Py<PyAny>> {
    match update {
        WatchUpdate::Snapshot { revision, kvs } => {
            let kvs = PyTuple::new(py, kvs.into_iter().map(|kv| KeyValue::of(py, kv)))?.unbind();
            Snapshot { revision, kvs }.into_py_any(py)
        }
        WatchUpdate::Changes { revision, changes, coalesced } => {
            let changes: Vec<_> = changes.into_iter().map(|each| change(py, each)).collect::<PyResult<_>>()?;
            Changes { revision, changes: PyTuple::new(py, changes)?.unbind(), coalesced }.into_py_any(py)
        }
        WatchUpdate::Connected(connected) => Connected { connected }.into_py_any(py),
        other => Err(unknown(py, &other)),
    }
}

fn change(py: Python<'_>, change: Change) -> PyResult<Py<PyAny>> {
    match change {
        Change::Put(kv) => Put { kv: Py::new(py, KeyValue::of(py, kv))? }.into_py_any(py),
        Change::Delete { key, revision } => Delete { key: PyBytes::new(py, &key).unbind(), revision }.into_py_any(py),
        other => Err(unknown(py, &other)),
    }
}

/// Core can grow; this module is built with it.
fn unknown(py: Python<'_>, what: &impl std::fmt::Debug) -> PyErr {
    raise(py, &failed(ErrorKind::Internal, "kv.watch", format!("there is no Python for {what:?}")))
}
