//! The core's `tracing` events, on their way to Python's logging.
//!
//! The subscriber is that of this module's own copy of `tracing`; it only writes into a bounded buffer, from which a
//! thread of Python takes the records. A forked child begins with a buffer of its own.

use std::fmt::{self, Write};
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use gocore_etcd_core::bridge::{Buffer, Generation, Notices};
use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span;
use tracing::subscriber::{Interest, Subscriber, set_global_default};
use tracing::{Event, Level, Metadata};

/// How many records wait for Python; beyond that the oldest go, and are counted.
const CAPACITY: usize = 1024;

/// Level (as Python numbers them), target, text.
type Line = (u8, String, String);

/// What one process says.
struct Sink {
    born: Generation,
    lines: Buffer<Line>,
    /// At most one wake-up, and the end.
    wake: Notices<()>,
}

static SINK: AtomicPtr<Sink> = AtomicPtr::new(ptr::null_mut());

/// The log of this process, for one thread that takes from it.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Log(&'static Sink);

#[pymethods]
impl Log {
    /// Begins to collect, in place of what was begun before.
    #[new]
    fn new() -> Self {
        static INSTALLED: Once = Once::new();
        // Refused only when there is one already; this copy of tracing is ours alone.
        INSTALLED.call_once(|| drop(set_global_default(Collector)));
        let sink = Sink { born: Generation::current(), lines: Buffer::new(CAPACITY), wake: Notices::default() };
        // Never freed, since events may come at any time: one per process that forks and uses us again.
        let sink = Box::leak(Box::new(sink));
        SINK.store(sink, Ordering::Release);
        Self(sink)
    }

    /// What there is, after waiting for something: (level, target, text) each, and how many were dropped before
    /// them; None once closed and empty.
    fn take(&self, py: Python<'_>) -> Option<(Vec<Line>, u64)> {
        py.detach(|| {
            self.0.wake.take(Duration::MAX)?;
            let (mut lines, dropped) = self.0.lines.take(CAPACITY);
            // Until it is seen empty no other wake-up comes.
            lines.append(&mut self.0.lines.take(CAPACITY).0);
            Some((lines, dropped))
        })
    }

    /// Ends it.
    fn close(&self) {
        self.0.wake.close();
    }
}

struct Collector;

impl Subscriber for Collector {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The libraries below us have much to say that is not ours to tell.
        let ours = metadata.target().starts_with("gocore_etcd") && metadata.is_event();
        if ours { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        // SAFETY: what was stored was leaked and lives for ever.
        let Some(sink) = (unsafe { SINK.load(Ordering::Acquire).as_ref() }) else { return };
        if !sink.born.is_current() {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let line = (number(metadata.level()), metadata.target().to_owned(), text.message + &text.fields);
        if sink.lines.push(line) {
            // Closed: the program is ending, nobody reads it.
            let _ = sink.wake.push(());
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// As `logging` numbers them.
fn number(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}
