//! Log
//!
//! What the library has to say about what goes on behind the calls: connected, an endpoint left and returned, a retry, a
//! session lost, a watch resumed. Never a secret. It is said to whoever subscribes, and to nobody else: the library writes
//! to no file and no terminal (but for the panic message of a bug).

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use gocore_etcd_core::bridge::{Generation, Log, LogLevel, LogRecord, guarded, invalid};

use crate::args::{choice, lossy_text};
use crate::callback::events::{After, Events, Handler};
use crate::callback::user_data::UserData;
use crate::callback::{Deliver, Member};
use crate::entry_point::{OK, enter, getter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::Out;
use crate::subscription::{gocore_etcd_subscription, gocore_etcd_user_free};

/// Something failed that somebody should look at.
pub const GOCORE_ETCD_LOG_ERROR: i32 = 1;
/// Something is wrong and is being worked around.
pub const GOCORE_ETCD_LOG_WARN: i32 = 2;
/// What an operator wants to read in calm.
pub const GOCORE_ETCD_LOG_INFO: i32 = 3;
/// What helps to find out why.
pub const GOCORE_ETCD_LOG_DEBUG: i32 = 4;

const LEVELS: [(i32, LogLevel); 4] = [
    (GOCORE_ETCD_LOG_ERROR, LogLevel::Error),
    (GOCORE_ETCD_LOG_WARN, LogLevel::Warn),
    (GOCORE_ETCD_LOG_INFO, LogLevel::Info),
    (GOCORE_ETCD_LOG_DEBUG, LogLevel::Debug),
];

/// One thing the library had to say.
///
/// Ownership: borrowed for the callback it is given to. Threads: any.
pub struct gocore_etcd_log_record {
    level: i32,
    target: CString,
    message: CString,
    dropped: u64,
}

/// Receives the records, in order.
pub type gocore_etcd_log_callback =
    Option<extern "C" fn(user_data: *mut c_void, record: *const gocore_etcd_log_record)>;

/// Has `callback` run for each thing the library has to say from now on, up to `level` (GOCORE_ETCD_LOG_ERROR, _WARN,
/// _INFO or _DEBUG). `*subscription` is the subscription. Any number of them may be there at once.
///
/// At most 1,024 records wait for a slow callback; then the oldest are dropped, and counted in the next record. A callback
/// that calls the library may hear of its own calls.
///
/// Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
/// Threads: any; never waits. The callback runs on a thread of the library, also for clients that dispatch. Errors:
/// INVALID_ARGUMENT; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_subscribe(
    level: i32,
    callback: gocore_etcd_log_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "log.subscribe";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        Generation::current();
        let level = choice(op, "level", level, &LEVELS)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        let member = Deliver::Threads.join(op)?;
        let log = Log::new(level);
        let events = Events::new(Deliver::Threads, Sink { callback, user, log: log.clone(), _member: member });
        out.give(events.clone().into());
        log.listen(move || events.wake());
        Ok(OK)
    })
}

/// Says something in this log, as the library does. True when somebody subscribes to what is as serious as that, so that it can
/// be told elsewhere if nobody does. For layers over this library: the classes of C++ tell so what a handler threw.
///
/// `level`: one of GOCORE_ETCD_LOG_…. `message`: what is not UTF-8 in it is replaced. For NULL, or another level, nothing is
/// said, and false given.
///
/// Ownership: `message` is only read during the call. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_write(level: i32, message: *const c_char) -> bool {
    const TARGET: &str = "gocore_etcd::host";
    let written = guarded("log.write", || {
        let message = lossy_text("log.write", "message", message)?;
        let level = choice("log.write", "level", level, &LEVELS)?;
        match level {
            LogLevel::Error => tracing::error!(target: TARGET, "{message}"),
            LogLevel::Warn => tracing::warn!(target: TARGET, "{message}"),
            LogLevel::Info => tracing::info!(target: TARGET, "{message}"),
            LogLevel::Debug => tracing::debug!(target: TARGET, "{message}"),
        }
        Ok(Log::is_heard(level))
    });
    written.unwrap_or(false)
}

/// How serious it is: one of GOCORE_ETCD_LOG_….
///
/// Ownership: borrows `record`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_record_level(record: *const gocore_etcd_log_record) -> i32 {
    getter(record, 0, |record| record.level)
}

/// The part of the library that says it.
///
/// Ownership: text that lives as long as `record`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_record_target(record: *const gocore_etcd_log_record) -> *const c_char {
    getter(record, std::ptr::null(), |record| record.target.as_ptr())
}

/// What it says: a sentence, and then what it is about, as "name=value".
///
/// Ownership: text that lives as long as `record`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_record_message(record: *const gocore_etcd_log_record) -> *const c_char {
    getter(record, std::ptr::null(), |record| record.message.as_ptr())
}

/// How many records were dropped before this one, because the callback was too slow.
///
/// Ownership: borrows `record`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_log_record_dropped(record: *const gocore_etcd_log_record) -> u64 {
    getter(record, 0, |record| record.dropped)
}

/// A subscription to the log.
struct Sink {
    callback: extern "C" fn(user_data: *mut c_void, record: *const gocore_etcd_log_record),
    user: UserData,
    log: Arc<Log>,
    _member: Member,
}

impl Handler for Sink {
    fn call(&mut self) -> After {
        // One at a time, so that cancelling takes effect between any two.
        let (taken, dropped) = self.log.take(1);
        let Some(record) = taken.into_iter().next() else { return After::Idle };
        (self.callback)(self.user.data(), &gocore_etcd_log_record::new(&record, dropped));
        After::More
    }
}

impl gocore_etcd_log_record {
    fn new(record: &LogRecord, dropped: u64) -> Self {
        let text = |text: &str| CString::new(text.replace('\0', "\\0")).unwrap_or_default();
        let level = LEVELS.iter().find(|(_, level)| *level == record.level).map_or(0, |(number, _)| *number);
        Self { level, target: text(record.target), message: text(&record.text), dropped }
    }
}
