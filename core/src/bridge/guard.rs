//! What must not happen inside of a call: a panic that crosses into another language, or the end of the calling thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};

/// Runs `work`; a panic becomes Internal with its message. What the panic left half done is not used again: entries
/// hold no state of their own between calls. A thread that is cancelled (`pthread_cancel`) meanwhile ends afterwards.
///
/// # Errors
/// Those of `work`, and Internal.
pub fn guarded<T>(op: &'static str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let _uncancelled = Uncancelled::begin();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(caught(op, &*panic)))
}

/// The thread is not cancelled as long as this is there: cancelling unwinds it from whatever system call it is in,
/// through frames that cannot be unwound.
struct Uncancelled {
    /// What was before.
    state: libc::c_int,
}

impl Uncancelled {
    fn begin() -> Self {
        Self { state: set_cancel_state(1) }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        set_cancel_state(self.state);
    }
}

/// PTHREAD_CANCEL_ENABLE is 0 and PTHREAD_CANCEL_DISABLE 1, in glibc and in musl. Gives what was before.
#[cfg(target_os = "linux")]
fn set_cancel_state(state: libc::c_int) -> libc::c_int {
    unsafe extern "C" {
        // The libc crate has it for other systems only.
        fn pthread_setcancelstate(state: libc::c_int, before: *mut libc::c_int) -> libc::c_int;
    }
    let mut before = 0;
    // SAFETY: the declaration is that of pthread.h; `before` is ours.
    unsafe { pthread_setcancelstate(state, &mut before) };
    before
}

#[cfg(not(target_os = "linux"))]
fn set_cancel_state(state: libc::c_int) -> libc::c_int {
    state
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
