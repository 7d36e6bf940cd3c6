//! The core's errors become the exceptions of `gocore_etcd/_errors.py`.

use gocore_etcd_core::{Error, ErrorKind};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Raises the exception for `error`.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).map_or_else(|failed| failed, |exception| PyErr::from_value(exception.into_bound(py)))
}

/// The exception for `error`, not raised: what Python raises itself is chained to the exception being handled.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyResult<Py<PyAny>> {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let make = MAKE.get_or_try_init(py, || -> PyResult<Py<PyAny>> {
        Ok(py.import("gocore_etcd._errors")?.getattr("from_native")?.unbind())
    });
    let attributes =
        (error.kind() as i32, error.to_string(), error.op(), error.key(), error.is_retryable(), error.maybe_applied());
    make?.call1(py, attributes)
}

/// An error that came among events, until somebody wants to raise it: to make the exception runs Python, which a signal
/// may interrupt.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Failure(pub(crate) Error);

#[pymethods]
impl Failure {
    /// A new exception, not raised.
    fn exception(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        exception(py, &self.0)
    }
}

/// Every kind of error: its number and its name, as the core has them.
#[pyfunction]
pub(crate) fn error_kinds() -> Vec<(i32, String)> {
    ErrorKind::ALL.iter().map(|kind| (*kind as i32, format!("{kind:?}"))).collect()
}
