//! From the core's events to the subscriptions: a `tracing` subscriber of this library's own copy of `tracing`, which a
//! host in Rust does not see.

use std::ffi::CString;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, Once, PoisonError};

use gocore_etcd_core::bridge::Buffer;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, Subscriber, set_global_default};
use tracing::{Event, Level, Metadata};

use super::{
    GOCORE_ETCD_LOG_DEBUG, GOCORE_ETCD_LOG_ERROR, GOCORE_ETCD_LOG_INFO, GOCORE_ETCD_LOG_WARN, gocore_etcd_log_record,
};
use crate::callback::events::Events;
use crate::callback::per_process::PerProcess;

/// Those who listen in this process.
static LISTENERS: PerProcess<Mutex<Vec<Listener>>> = PerProcess::new();

struct Listener {
    level: i32,
    records: Arc<Buffer<gocore_etcd_log_record>>,
    events: Arc<Events>,
}

/// From now on `records` are filled and `events` woken.
pub(super) fn add(level: i32, records: Arc<Buffer<gocore_etcd_log_record>>, events: Arc<Events>) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // Refused only when this copy of tracing has one already: in a program that links us as a Rust crate.
        drop(set_global_default(Bus));
    });
    let mut listeners = LISTENERS.get().lock().unwrap_or_else(PoisonError::into_inner);
    listeners.retain(|listener| !listener.events.cancelled().is_cancelled());
    listeners.push(Listener { level, records, events });
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
        listeners.retain(|listener| !listener.events.cancelled().is_cancelled());
        if listeners.iter().all(|listener| level > listener.level) {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let text = text.message + &text.rest;
        for listener in listeners.iter().filter(|listener| level <= listener.level) {
            let target = c_text(event.metadata().target());
            let record = gocore_etcd_log_record { level, target, message: c_text(&text), dropped: 0 };
            if listener.records.push(record) {
                listener.events.wake();
            }
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn level(level: &Level) -> Option<i32> {
    match *level {
        Level::ERROR => Some(GOCORE_ETCD_LOG_ERROR),
        Level::WARN => Some(GOCORE_ETCD_LOG_WARN),
        Level::INFO => Some(GOCORE_ETCD_LOG_INFO),
        Level::DEBUG => Some(GOCORE_ETCD_LOG_DEBUG),
        Level::TRACE => None,
    }
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "\\0")).unwrap_or_default()
}

#[derive(Default)]
struct Text {
    message: String,
    rest: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.rest, " {name}={value:?}"),
        };
    }
}
