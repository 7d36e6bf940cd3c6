//! The queue between the library's thread and the dispatcher, a thread of Python.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::Notices;
use pyo3::prelude::*;

use crate::call::Answer;

/// Somebody's call has its answer.
pub(crate) struct Notice {
    pub(crate) waiter: u64,
    pub(crate) answer: Answer,
}

/// Answers on their way to whoever waits for them. A forked child makes a new one.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Queue {
    pub(crate) notices: Arc<Notices<Notice>>,
}

#[pymethods]
impl Queue {
    #[new]
    fn new() -> Self {
        Self { notices: Arc::new(Notices::default()) }
    }

    /// All answers there are, each with its waiter's number, after waiting for one; None once closed and empty.
    fn take(&self, py: Python<'_>) -> Option<Vec<(u64, Answer)>> {
        let taken = py.detach(|| self.notices.take(Duration::MAX))?;
        Some(taken.into_iter().map(|notice| (notice.waiter, notice.answer)).collect())
    }

    /// Ends it: what comes later is released, and `take` gives None when all was taken.
    fn close(&self) {
        self.notices.close();
    }
}
