//! What the core says of itself, for those who listen: a `tracing` subscriber, from which each listener takes its own.
//!
//! It belongs to the copy of `tracing` inside a surface's library, which a host in Rust does not see, and it is
//! installed by the first listener. A forked child begins without listeners.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber, set_global_default};
use tracing::{Event, Level, Metadata};

use super::per_process::PerProcess;
use super::queue::Buffer;

/// How many records wait for a slow listener before the oldest are dropped.
const CAPACITY: usize = 1024;

/// How long each half of a text may be, in bytes: keys come from etcd, which has room for long ones.
const LONGEST: usize = 8 * 1024;

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Something failed that somebody should look at.
    Error,
    /// Something is wrong and is being worked around.
    Warn,
    /// What an operator wants to read in calm.
    Info,
    /// What helps to find out why.
    Debug,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// How serious it is.
    pub level: LogLevel,
    /// The module that says it.
    pub target: &'static str,
    /// A sentence, and then what it is about, as ` name=value`. Never a secret; each half is cut at 8 KiB.
    pub text: String,
}

/// A listener's records: at most 1,024 wait, then the oldest are dropped and counted. Dropped, it listens no longer.
#[derive(Debug)]
pub struct Log {
    most: LogLevel,
    records: Buffer<LogRecord>,
}

struct Listener {
    log: Weak<Log>,
    wake: Box<dyn Fn() + Send + Sync>,
}

/// Those who listen in this process.
static LISTENERS: PerProcess<Mutex<Vec<Listener>>> = PerProcess::new();

impl Log {
    /// For records up to `most`; empty until it [listens](Log::listen).
    pub fn new(most: LogLevel) -> Arc<Self> {
        Arc::new(Self { most, records: Buffer::new(CAPACITY) })
    }

    /// From now on it is filled, as long as it lives, and `wake` is called when the first record is there, at most once
    /// until they are taken. `wake` runs wherever something is said: it must not wait, and must say nothing itself.
    pub fn listen(self: &Arc<Self>, wake: impl Fn() + Send + Sync + 'static) {
        static INSTALLED: Once = Once::new();
        // Refused only when this copy of tracing has one already: in a program that links us as a Rust crate.
        INSTALLED.call_once(|| drop(set_global_default(Bus)));
        let mut listeners = LISTENERS.get().lock().unwrap_or_else(PoisonError::into_inner);
        listeners.retain(|listener| listener.log.strong_count() > 0);
        listeners.push(Listener { log: Arc::downgrade(self), wake: Box::new(wake) });
    }

    /// Whether anybody listens to what is as serious as this.
    pub fn is_heard(level: LogLevel) -> bool {
        let Some(listeners) = LISTENERS.existing() else { return false };
        let listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
        listeners.iter().any(|listener| listener.log.upgrade().is_some_and(|log| level <= log.most))
    }

    /// Up to `most` records, and how many were dropped before them.
    pub fn take(&self, most: usize) -> (Vec<LogRecord>, u64) {
        self.records.take(most)
    }
}

struct Bus;

impl Subscriber for Bus {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        // The libraries below us have much to say that is not ours to tell.
        let ours = metadata.target().starts_with("gocore_etcd") && metadata.is_event();
        if ours { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && level(metadata.level()).is_some()
    }

    fn event(&self, event: &Event<'_>) {
        let Some(level) = level(event.metadata().level()) else { return };
        let Some(listeners) = LISTENERS.existing() else { return };
        let mut listeners = listeners.lock().unwrap_or_else(PoisonError::into_inner);
        let mut record = None;
        listeners.retain(|listener| {
            let Some(log) = listener.log.upgrade() else { return false };
            if level <= log.most {
                let record = record.get_or_insert_with(|| said(level, event)).clone();
                if log.records.push(record) {
                    (listener.wake)();
                }
            }
            true
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn level(level: &Level) -> Option<LogLevel> {
    match *level {
        Level::ERROR => Some(LogLevel::Error),
        Level::WARN => Some(LogLevel::Warn),
        Level::INFO => Some(LogLevel::Info),
        Level::DEBUG => Some(LogLevel::Debug),
        Level::TRACE => None,
    }
}

fn said(level: LogLevel, event: &Event<'_>) -> LogRecord {
    let mut text = Text::default();
    event.record(&mut text);
    LogRecord { level, target: event.metadata().target(), text: text.sentence.text + &text.fields.text }
}

#[derive(Default)]
struct Text {
    sentence: Cut,
    fields: Cut,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // It fails where it is cut.
        let _ = match field.name() {
            "message" => write!(self.sentence, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

/// A text that is cut, and says so, where it gets too long.
#[derive(Default)]
struct Cut {
    text: String,
    is_full: bool,
}

impl Write for Cut {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        if self.is_full {
            return Err(fmt::Error);
        }
        let room = LONGEST.saturating_sub(self.text.len());
        if more.len() <= room {
            self.text.push_str(more);
            return Ok(());
        }
        self.is_full = true;
        let end = (0..=room).rev().find(|end| more.is_char_boundary(*end)).unwrap_or_default();
        self.text.push_str(&more[..end]);
        self.text.push('…');
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests;
