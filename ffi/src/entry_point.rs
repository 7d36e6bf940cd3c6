//! What every function begins with, and how a blocking one waits.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use gocore_etcd_core::bridge::panic_for_a_test;
use gocore_etcd_core::bridge::{CancelToken, Limit, Operation, Runtime, failed, guarded, maybe_applied, or_key};
use gocore_etcd_core::{Error, ErrorKind, Result};

use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::Out;

pub(crate) const OK: gocore_etcd_status = gocore_etcd_status::GOCORE_ETCD_STATUS_OK;

/// Runs `work` behind the panic guard. `*err` is NULL on entry, and the error's when there is one.
pub(crate) fn enter(
    op: &'static str,
    err: *mut *mut gocore_etcd_error,
    work: impl FnOnce() -> Result<gocore_etcd_status>,
) -> gocore_etcd_status {
    let err = Out::optional(err);
    let work = || {
        panic_for_a_test(op, "entry");
        work()
    };
    match guarded(op, work) {
        Ok(status) => status,
        Err(error) => {
            let status = error.kind().into();
            if let Some(err) = err {
                err.give(error.into());
            }
            status
        }
    }
}

/// Reads something from a handle; NULL, and a panic, give `zero`.
pub(crate) fn getter<T, R>(handle: *const T, zero: R, read: impl FnOnce(&T) -> R) -> R {
    // SAFETY: by the header's conventions it is NULL or a live handle of this type.
    let Some(handle) = (unsafe { handle.as_ref() }) else { return zero };
    catch_unwind(AssertUnwindSafe(|| read(handle))).unwrap_or(zero)
}

/// Has `work` carried out, and waits for it on this thread.
pub(crate) fn wait<T: Send + 'static>(
    runtime: &Runtime,
    op: &'static str,
    limit: Limit,
    cancel: CancelToken,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    if Runtime::is_this_thread() {
        return Err(failed(ErrorKind::WrongContext, op, "a blocking call on the library's own thread"));
    }
    Operation::run(runtime, op, limit, cancel, work)
}

/// Waits until something held is held no longer; that it still is at the limit is a status, not an error.
pub(crate) fn wait_lost(
    runtime: &Runtime,
    op: &'static str,
    limit: Limit,
    cancel: CancelToken,
    lost: impl Future<Output = ()> + Send + 'static,
) -> Result<gocore_etcd_status> {
    let waited = wait(runtime, op, limit, cancel, async move {
        lost.await;
        Ok(OK)
    });
    match waited {
        Err(error) if error.kind() == ErrorKind::DeadlineExceeded => Ok(error.kind().into()),
        other => other,
    }
}

/// A write that our own limit ended may have been applied all the same.
pub(crate) fn given_up(error: Error, limit: Limit, key: &str) -> Error {
    let cut = error.kind() == ErrorKind::DeadlineExceeded && matches!(limit, Limit::After(_));
    or_key(if cut { maybe_applied(error) } else { error }, key)
}
