//! Lock: callbacks
//!
//! Taking a lock without blocking, and hearing of its loss.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::Arc;

use gocore_etcd_core::bridge::{Operation, guarded, invalid, or_key};
use gocore_etcd_core::{Lock, Result};

use crate::args::{cancel_token, handle, limit};
use crate::callback::events::{After, Events, Handler};
use crate::callback::user_data::UserData;
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::{ClientShared, Pending, gocore_etcd_client};
use crate::entry_point::{OK, enter, panic_for_a_test};
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

/// Says that a lock is held no longer.
pub type gocore_etcd_lost_callback = Option<extern "C" fn(user_data: *mut c_void)>;

/// Begins to wait for the lock `key`; `callback` runs exactly once with what came of it, possibly before this returns.
///
/// The other parameters are those of gocore_etcd_lock_acquire. Cancelling, expiry and closing complete it with CANCELLED,
/// DEADLINE_EXCEEDED and CLOSED; when success is quicker, success it is. A name that is none (of slashes and spaces alone)
/// completes it with INVALID_ARGUMENT. Freeing the client's handle changes nothing.
///
/// Ownership: the callback owns its lock and error; `user_data` is given back by `user_free` after it, or before this
/// returns with a failure; the caller frees `*err`. Threads: any; never waits. Errors: INVALID_ARGUMENT;
/// RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
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
        let pending = Pending::begin(&client, op)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let owner = client.clone();
        let complete = move |result: Result<Lock>| {
            let deliver = owner.deliver.clone();
            let job = move || {
                // Whatever happens here, the callback runs: somebody waits for it.
                let result = guarded(op, || {
                    panic_for_a_test(op, "callback");
                    Ok(gocore_etcd_lock::new(result?, owner))
                });
                let (mut lock, mut error) = (ptr::null_mut(), ptr::null_mut());
                let status = match result {
                    Ok(held) => {
                        Out::new(op, "lock", &mut lock).map(|out| out.give(held)).ok();
                        OK
                    }
                    Err(failure) => {
                        let status = failure.kind().into();
                        Out::new(op, "err", &mut error).map(|out| out.give(or_key(failure, key).into())).ok();
                        status
                    }
                };
                callback(user.data(), status, lock, error);
                drop(user);
                drop(pending);
            };
            deliver.push(Box::new(job));
        };
        let work = async move {
            panic_for_a_test(op, "work");
            caller.lock(&name, ttl).await
        };
        Operation::start(&client.runtime, op, limit, cancel, work, complete);
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
        let client = lock.client.clone();
        let pending = Pending::begin(&client, op)?;
        let events = Events::new(client.deliver.clone(), Loss { callback, user, _pending: pending });
        out.give(events.clone().into());
        watch(&client, lock.lock.loss(), events);
        Ok(OK)
    })
}

/// Wakes the subscription at the loss. Holds neither the lock nor its client: they may go before.
fn watch(client: &Arc<ClientShared>, loss: impl Future<Output = bool> + Send + 'static, events: Arc<Events>) {
    let cancelled = events.cancelled().clone();
    let work = async move { Ok(loss.await) };
    let complete = move |lost: Result<bool>| match lost {
        Ok(true) => events.wake(),
        // Given back, or nobody wants to know any more: there is nothing to tell.
        _ => events.cancel(),
    };
    Operation::start(
        &client.runtime,
        "lock.on_lost",
        gocore_etcd_core::bridge::Limit::Never,
        cancelled,
        work,
        complete,
    );
}

struct Loss {
    callback: extern "C" fn(user_data: *mut c_void),
    user: UserData,
    /// Dropped after `user`: closing waits for both.
    _pending: Pending,
}

impl Handler for Loss {
    fn call(&mut self) -> After {
        (self.callback)(self.user.data());
        After::Over
    }
}
