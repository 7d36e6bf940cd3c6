//! Time limits and cancelling
//!
//! Every call that blocks takes a limit in milliseconds; that of gocore_etcd_client_connect is in its configuration
//! (dial_timeout_ms). Calls that wait for others also take a cancel token: any thread may fire it, and every call it was given
//! to ends with GOCORE_ETCD_STATUS_CANCELLED and cleans up behind itself.

use std::sync::Arc;

use gocore_etcd_core::bridge::{CancelToken, Owned, guarded};

use crate::args::{Handle, optional_handle};
use crate::entry_point::getter;
use crate::out;

/// No limit. In place of a limit 0 is the call's default.
pub const GOCORE_ETCD_WAIT_FOREVER: i64 = -1;

/// Ends the calls it was given to, early.
///
/// Ownership: freed with gocore_etcd_cancel_token_free, also while calls it was given to still run. Threads: any.
pub struct gocore_etcd_cancel_token(Owned<Arc<CancelToken>>);

impl Handle for gocore_etcd_cancel_token {
    type Shared = CancelToken;
    fn shared(&self) -> &Owned<Arc<CancelToken>> {
        &self.0
    }
}

/// A token that has not fired.
///
/// Ownership: the caller frees it. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_cancel_token_new() -> *mut gocore_etcd_cancel_token {
    let new = guarded("cancel_token.new", || {
        Ok(Box::into_raw(Box::new(gocore_etcd_cancel_token(Owned::new(Arc::new(CancelToken::new()))))))
    });
    new.unwrap_or(std::ptr::null_mut())
}

/// Fires: once for all, for every call it was or will be given to. NULL is allowed.
///
/// Ownership: borrows `token`. Threads: any. Errors: none; after a fork a token of the parent does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_cancel_token_cancel(token: *mut gocore_etcd_cancel_token) {
    let op = "cancel_token.cancel";
    let fired = guarded(op, || {
        if let Some(token) = optional_handle(op, token)? {
            token.cancel();
        }
        Ok(())
    });
    // A token of the parent's has nobody here to cancel.
    drop(fired);
}

/// Whether it has fired.
///
/// Ownership: borrows `token`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_cancel_token_is_cancelled(token: *const gocore_etcd_cancel_token) -> bool {
    getter(token, false, |token| token.0.get("cancel_token.is_cancelled").is_ok_and(|token| token.is_cancelled()))
}

/// Frees a token; the calls it was given to go on and can no longer be cancelled by it. NULL is allowed.
///
/// Ownership: takes `token`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_cancel_token_free(token: *mut gocore_etcd_cancel_token) {
    out::free(token);
}
