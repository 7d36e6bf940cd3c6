//! A panic must not cross into another language, and must not end the host: it becomes an error.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Runs `work`; a panic becomes Internal with its message. What the panic left half done is not used again: entries
/// hold no state of their own between calls.
///
/// # Errors
/// Those of `work`, and Internal.
pub fn guarded<T>(op: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(caught(op, &*panic)))
}

/// The bug that a test needs, once a process: where GOCORE_ETCD_TEST_PANIC says, as "op@place". Not in a release build.
///
/// # Panics
/// That is what it is for.
pub fn panic_for_a_test(op: &str, place: &str) {
    static ASKED: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("GOCORE_ETCD_TEST_PANIC").ok());
    static DONE: AtomicBool = AtomicBool::new(false);
    if cfg!(debug_assertions)
        && let Some(asked) = &*ASKED
        && asked.split_once('@') == Some((op, place))
        && !DONE.swap(true, Ordering::Relaxed)
    {
        panic!("asked for by a test");
    }
}

pub(super) fn caught(op: &'static str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    tracing::error!(op, text, "caught a panic: please report it");
    Error::new(ErrorKind::Internal, op).with_detail(format!("caught a panic, please report it: {text}"))
}
