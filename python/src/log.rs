//! What the core says of itself, on its way to Python's logging.
//!
//! The records wait in a bounded buffer, from which a thread of Python takes them. A forked child begins with a log of
//! its own.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{self, LogLevel, LogRecord, Notices, Owned};
use pyo3::prelude::*;

/// Level (as Python numbers them), target, text.
type Line = (u8, &'static str, String);

/// The log, for one thread that takes from it.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Log(Owned<Inner>);

struct Inner {
    log: Arc<bridge::Log>,
    /// At most one wake-up, and the end.
    wake: Arc<Notices<()>>,
}

#[pymethods]
impl Log {
    /// Begins to collect.
    #[new]
    fn new() -> Self {
        let (log, wake) = (bridge::Log::new(LogLevel::Debug), Arc::new(Notices::default()));
        let woken = wake.clone();
        log.listen(move || {
            // Closed: the program is ending, nobody reads it.
            let _ = woken.push(());
        });
        Self(Owned::new(Inner { log, wake }))
    }

    /// What there is, after waiting for something: (level, target, text) each, and how many were dropped before
    /// them; None once closed and empty, and in a forked child.
    fn take(&self, py: Python<'_>) -> Option<(Vec<Line>, u64)> {
        let inner = self.0.get("log.take").ok()?;
        py.detach(|| {
            inner.wake.take(Duration::MAX)?;
            // To the last one: until it is seen empty no other wake-up comes.
            let (records, dropped) = inner.log.take(usize::MAX);
            Some((records.into_iter().map(line).collect(), dropped))
        })
    }

    /// Ends it.
    fn close(&self) {
        if let Ok(inner) = self.0.get("log.close") {
            inner.wake.close();
        }
    }
}

fn line(record: LogRecord) -> Line {
    let number = match record.level {
        LogLevel::Error => 40,
        LogLevel::Warn => 30,
        LogLevel::Info => 20,
        LogLevel::Debug => 10,
    };
    (number, record.target, record.text)
}
