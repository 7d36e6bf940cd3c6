//! Lock: callbacks
//!
//! Taking a lock without blocking, and hearing of its loss.

use std::ffi::{c_char, c_void};

use gocore_etcd_core::bridge::{checked_lock, invalid};

use crate::args::{cancel_token, handle, limit};
use crate::callback::completion::Completion;
use crate::callback::loss;
use crate::callback::user_data::UserData;
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::gocore_etcd_client;
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::lock::{gocore_etcd_lock, gocore_etcd_lock_options, wanted};
use crate::out::Out;
use crate::subscription::{gocore_etcd_subscription, gocore_etcd_user_free};

/// What gocore_etcd_lock_acquire_async came to. With GOCORE_ETCD_STATUS_OK `lock` is the held lock and `err` NULL,
/// otherwise `lock` is NULL; the callback owns both, and frees them.
pub type gocore_etcd_lock_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        status: gocore_etcd_status,
        lock: *mut gocore_etcd_lock,
        err: *mut gocore_etcd_error,
    ),
>;

/// Says that a lock is held no longer, or that a leadership is over.
pub type gocore_etcd_lost_callback = Option<extern "C" fn(user_data: *mut c_void)>;

/// Begins to wait for the lock `key`; `callback` runs exactly once with what came of it, possibly before this returns.
///
/// The other parameters are those of gocore_etcd_lock_acquire. Cancelling, expiry and closing complete it with CANCELLED,
/// DEADLINE_EXCEEDED and CLOSED; when success is quicker, success it is. Freeing the client's handle changes nothing.
///
/// Ownership: the callback owns its lock and error; `user_data` is given back by `user_free` after it, or before this
/// returns with a failure; the caller frees `*err`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED when the
/// client is closed already; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_acquire_async(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    options: *const gocore_etcd_lock_options,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    callback: gocore_etcd_lock_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.acquire_async";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let client = handle(op, "client", client)?;
        let (key, ttl) = wanted(op, key, options)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        let work = checked_lock(&client.client, &key, ttl)?;
        Completion { callback, user, key }.start(op, &client, (limit, cancel), work, gocore_etcd_lock::new)?;
        Ok(OK)
    })
}

/// Has `callback` run once when the lock is lost; at once when it was lost already. Never when it is given back (by
/// gocore_etcd_lock_unlock, by freeing it, by closing the client): then the subscription ends. `*subscription` is the
/// subscription.
///
/// Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
/// Threads: any; never waits. The subscription does not keep the lock held. Errors: INVALID_ARGUMENT; RESOURCE_EXHAUSTED
/// when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_on_lost(
    lock: *mut gocore_etcd_lock,
    callback: gocore_etcd_lost_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.on_lost";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let lock = handle(op, "lock", lock)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        loss::subscribe(op, &lock.client, out, lock.lock.loss(), callback, user)?;
        Ok(OK)
    })
}
