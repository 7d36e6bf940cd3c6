//! Subscriptions
//!
//! What calls back again and again, or later, is a subscription: it is cancelled with the functions here, whatever it is
//! a subscription to.

use std::ffi::c_void;
use std::sync::Arc;

use gocore_etcd_core::bridge::{Owned, guarded};

use crate::args::{Handle, handle, limit, optional_handle};
use crate::callback::events::Events;
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out;

/// Gives `user_data` back: exactly once, after the last callback has returned, or before the function returns that was
/// to start it and failed. NULL: nothing is to be given back.
pub type gocore_etcd_user_free = Option<extern "C" fn(user_data: *mut c_void)>;

/// Callbacks that were asked for.
///
/// Ownership: freed with gocore_etcd_subscription_free, also inside its own callback. Threads: any.
pub struct gocore_etcd_subscription(Owned<Arc<Events>>);

impl From<Arc<Events>> for gocore_etcd_subscription {
    fn from(events: Arc<Events>) -> Self {
        Self(Owned::new(events))
    }
}

impl Handle for gocore_etcd_subscription {
    type Shared = Events;
    fn shared(&self) -> &Owned<Arc<Events>> {
        &self.0
    }
}

/// Freeing the handle cancels; in a forked child there is nothing to cancel.
impl Drop for gocore_etcd_subscription {
    fn drop(&mut self) {
        if let Ok(events) = self.0.get("subscription.free") {
            events.cancel();
        }
    }
}

/// Ends a subscription: no callback begins after this has returned; one that runs may finish. NULL is allowed.
///
/// Ownership: borrows `subscription`, which is still to be freed. Threads: any, also inside its own callback; never
/// waits. Errors: none; after a fork it does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_subscription_cancel(subscription: *mut gocore_etcd_subscription) {
    let op = "subscription.cancel";
    let cancelled = guarded(op, || {
        if let Some(events) = optional_handle(op, subscription)? {
            events.cancel();
        }
        Ok(())
    });
    // One of the parent's has no callbacks here.
    drop(cancelled);
}

/// Ends a subscription, and waits until the callback that runs has returned and `user_free` has run, which may be on this
/// thread.
///
/// `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit.
///
/// Ownership: borrows `subscription`, which is still to be freed; the caller frees `*err`. Threads: any, but not inside
/// a callback or a `user_free`; blocks. Errors: INVALID_ARGUMENT; WRONG_CONTEXT there, where nothing is done: use
/// gocore_etcd_subscription_cancel; DEADLINE_EXCEEDED when a callback still runs: cancelled it is. Work that
/// gocore_etcd_election_run has started is no callback in this: it may wait, but for no run, which is WRONG_CONTEXT. Since
/// 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_subscription_cancel_wait(
    subscription: *mut gocore_etcd_subscription,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "subscription.cancel_wait";
    enter(op, err, || {
        let events = handle(op, "subscription", subscription)?;
        let limit = limit(op, timeout_ms)?;
        events.cancel_wait(op, limit).map(|()| OK)
    })
}

/// Ends a subscription as gocore_etcd_subscription_cancel does, and frees its handle. NULL is allowed.
///
/// Ownership: takes `subscription`; `user_data` is given back once no callback runs. Threads: any, also inside its own
/// callback; never waits. Errors: none; after a fork it does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_subscription_free(subscription: *mut gocore_etcd_subscription) {
    out::free(subscription);
}
