//! Where answers are waited for: the queue between the library's thread and the dispatcher, a thread of Python, and the
//! place where a thread waits for its own.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::Notices;
use pyo3::prelude::*;

use crate::call::{Answer, Operation, enter};
use crate::way_back::{WayBack, away};

/// Somebody's call has its answer.
pub(crate) struct Notice {
    pub(crate) waiter: u64,
    pub(crate) answer: Answer,
}

/// Answers on their way to whoever waits for them. A forked child makes a new one.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Queue {
    pub(crate) notices: Arc<Notices<Notice>>,
    pub(crate) way_back: Arc<WayBack>,
}

#[pymethods]
impl Queue {
    #[new]
    fn new() -> Self {
        Self { notices: Arc::default(), way_back: Arc::default() }
    }

    /// All answers there are, each with its waiter's number, after waiting for one; None once closed and empty.
    fn take(&self, py: Python<'_>) -> Option<Vec<(u64, Answer)>> {
        let taken = py.detach(|| self.notices.take(Duration::MAX))?;
        Some(taken.into_iter().map(|notice| (notice.waiter, notice.answer)).collect())
    }

    /// The answer to an operation that was started for no waiter, after waiting for it on this thread; None when it has
    /// not come within so many nanoseconds. Deaf to signals meanwhile. What ends after `leave_behind` never returns.
    fn wait(&self, py: Python<'_>, operation: &Operation, nanos: u64) -> PyResult<Option<Answer>> {
        let mut waiting = enter(py, "operation.wait", || operation.waiting("operation.wait"))?;
        let patience = Duration::from_nanos(nanos);
        let slot = waiting.slot();
        // What came, or is still to come, is nobody's.
        let left = |answer| {
            drop(answer);
            slot.abandon();
        };
        Ok(away(py, &self.way_back, || waiting.wait(patience), left))
    }

    /// The program is ending: threads that wait for an answer of their own stay where they are from now on.
    fn leave_behind(&self, py: Python<'_>) {
        py.detach(|| self.way_back.close());
    }

    /// Ends it: what comes later is released, and `take` gives None when all was taken.
    fn close(&self) {
        self.notices.close();
    }
}
