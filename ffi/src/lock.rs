//! Lock
//!
//! One owner at a time over processes and machines, in order of arrival, with a fencing token.
//!
//! A lock is lost here before the server can give it to the next, while clocks run at the same rate within the margin (2 % of
//! the TTL, at least 50 ms, at most 500 ms) and the server keeps its leases: no revoke, delete or restore by hand, and one of
//! etcd >= 3.4.38, 3.5.23, 3.6.5. Beyond that the fencing token protects: guarded writes to etcd always, other systems where
//! they check it. Tokens order owners until the cluster is restored from a backup; then they begin anew.
//!
//! Programs that use the Go package go-core/etcd contend for the same locks. Do not take a shorter name ("jobs") while
//! holding a longer one ("jobs/1"): a Go program may wait on "jobs" for every key below it.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{Limit, Owned, or_key};
use gocore_etcd_core::{ErrorKind, Lock, Result};

use crate::args::{Handle, Input, cancel_token, handle, input, limit, milliseconds, text};
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::{ClientShared, gocore_etcd_client};
use crate::entry_point::{OK, enter, getter, given_up, wait, wait_lost};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::kv::{Put, gocore_etcd_put_options};
use crate::out::{self, Out, Plain};

/// How to take a lock.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_lock_options {
    /// Set by GOCORE_ETCD_LOCK_OPTIONS_INIT.
    pub struct_size: usize,
    /// How long after the death of this process, or the loss of its network, the next may have the lock. 0: 30,000; below
    /// 1,000 is raised to that; rounded up to whole seconds; what the server grants counts.
    pub ttl_ms: i64,
}

// SAFETY: repr(C), begins with the size; numbers.
unsafe impl Input for gocore_etcd_lock_options {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, ttl_ms) + size_of::<i64>();
}

/// A held lock. It lives until it is unlocked, freed or lost, however it was waited for.
///
/// Ownership: freed with gocore_etcd_lock_free; it keeps its client alive. Threads: any number at once.
pub struct gocore_etcd_lock {
    shared: Owned<Arc<LockShared>>,
    key: CString,
    token: i64,
}

/// Held by calls that are short, so that freeing the handle gives the lock back soon.
pub(crate) struct LockShared {
    pub(crate) lock: Lock,
    pub(crate) client: Arc<ClientShared>,
}

impl Handle for gocore_etcd_lock {
    type Shared = LockShared;
    fn shared(&self) -> &Owned<Arc<LockShared>> {
        &self.shared
    }
}

impl gocore_etcd_lock {
    pub(crate) fn new(lock: Lock, client: Arc<ClientShared>) -> Self {
        // A name with NUL is refused by the core.
        let key = CString::new(lock.key()).unwrap_or_default();
        let token = lock.token();
        Self { shared: Owned::new(Arc::new(LockShared { lock, client })), key, token }
    }
}

/// Key and TTL of a lock to be taken.
pub(crate) fn wanted(
    op: &'static str,
    key: *const c_char,
    options: *const gocore_etcd_lock_options,
) -> Result<(String, Duration)> {
    let key = text(op, "key", key)?.to_owned();
    let ttl_ms = input(op, "options", options)?.map_or(0, |options| options.ttl_ms);
    Ok((key, milliseconds(op, "options.ttl_ms", ttl_ms)?))
}

/// Waits for the lock `key` and takes it, in order of arrival. `*lock` is the held lock, or NULL on failure.
///
/// `key` lies below the client's prefix; surrounding slashes are trimmed, inner ones kept. `options` may be NULL.
/// `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit; each single request has the client's request timeout all the
/// same. `cancel` may be NULL. After cancel or expiry the place in the queue is given up in the background.
///
/// Ownership: the caller frees `*lock` and `*err`. Threads: any; blocks. Threads of one process exclude each other like
/// machines do. Errors: INVALID_ARGUMENT; DEADLINE_EXCEEDED; CANCELLED; LOST when the session died while waiting: the
/// place in the queue is gone, call again; UNAVAILABLE; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_acquire(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    options: *const gocore_etcd_lock_options,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    lock: *mut *mut gocore_etcd_lock,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.acquire";
    enter(op, err, || {
        let out = Out::new(op, "lock", lock)?;
        let client = handle(op, "client", client)?;
        let (key, ttl) = wanted(op, key, options)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let lock = wait(&client.runtime, op, limit, cancel, async move { caller.lock(&name, ttl).await });
        out.give(gocore_etcd_lock::new(lock.map_err(|error| or_key(error, key))?, client));
        Ok(OK)
    })
}

/// Takes the lock `key` if nobody holds it or waits for it; never disturbs a waiter.
///
/// GOCORE_ETCD_STATUS_NOT_ACQUIRED when somebody does: that is no error, `*err` stays NULL, and so does `*lock`.
/// `options` may be NULL. `timeout_ms`: 0 is the client's request timeout for each request.
///
/// Ownership: the caller frees `*lock` and `*err`. Threads: any; blocks for a few requests, never for others. Errors:
/// INVALID_ARGUMENT; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_try_acquire(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    options: *const gocore_etcd_lock_options,
    timeout_ms: i64,
    lock: *mut *mut gocore_etcd_lock,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.try_acquire";
    enter(op, err, || {
        let out = Out::new(op, "lock", lock)?;
        let client = handle(op, "client", client)?;
        let (key, ttl) = wanted(op, key, options)?;
        let limit = limit(op, timeout_ms)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let lock = client.wait(op, limit, async move { caller.try_lock(&name, ttl).await });
        match lock.map_err(|error| or_key(error, key))? {
            Some(lock) => out.give(gocore_etcd_lock::new(lock, client)),
            None => return Ok(ErrorKind::NotAcquired.into()),
        }
        Ok(OK)
    })
}

/// The full key of the lock in etcd, without the contender's part: for reading and watching keys. Functions that take a lock
/// take its key below the prefix.
///
/// Ownership: text that lives as long as `lock`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_key(lock: *const gocore_etcd_lock) -> *const c_char {
    getter(lock, std::ptr::null(), |lock| lock.key.as_ptr())
}

/// The fencing token: strictly increasing over the owners of this lock, until the cluster is restored from a backup. Give it
/// to systems that can refuse a lower one.
///
/// Ownership: borrows `lock`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_token(lock: *const gocore_etcd_lock) -> i64 {
    getter(lock, 0, |lock| lock.token)
}

/// Whether the lock is held: a wait-free read that compares clocks itself. Once false it stays false.
///
/// Ownership: borrows `lock`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_is_held(lock: *const gocore_etcd_lock) -> bool {
    getter(lock, false, |lock| lock.shared.get("lock.is_held").is_ok_and(|shared| shared.lock.is_held()))
}

/// Waits until the lock is held no longer: lost, or given back.
///
/// GOCORE_ETCD_STATUS_OK when that has happened; GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED when it is still held after
/// `timeout_ms`: that is no error, `*err` stays NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit. `cancel`
/// may be NULL.
///
/// Ownership: borrows `lock`, which may be freed meanwhile by another thread; the caller frees `*err`. Threads: any;
/// blocks. Errors: INVALID_ARGUMENT; CANCELLED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_wait_lost(
    lock: *mut gocore_etcd_lock,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.wait_lost";
    enter(op, err, || {
        let lock = handle(op, "lock", lock)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let (lost, client) = (lock.lock.lost(), lock.client.clone());
        // Waiting must not keep it held.
        drop(lock);
        wait_lost(&client.runtime, op, limit, cancel, lost)
    })
}

/// Gives the lock back. From the beginning of the call on it is not held. Idempotent: a second call gives the result of
/// the first. The handle is still to be freed.
///
/// `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
///
/// Ownership: borrows `lock`; the caller frees `*err`. Threads: any; blocks for one request. Errors: INVALID_ARGUMENT; LOST
/// when it had been lost before; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the background,
/// and another call waits for that; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_unlock(
    lock: *mut gocore_etcd_lock,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.unlock";
    enter(op, err, || {
        let lock = handle(op, "lock", lock)?;
        let limit = limit(op, timeout_ms)?;
        let released = lock.clone();
        let unlocked = lock.client.wait(op, limit, async move { released.lock.unlock().await });
        unlocked.map_err(|error| given_up(error, limit, lock.lock.key()))?;
        Ok(OK)
    })
}

/// Writes a key (absolute, as in gocore_etcd_kv_put) if the lock is still held when it arrives at etcd. `*revision`
/// (which may be NULL) is the revision of the write.
///
/// `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
///
/// Ownership: borrows `lock`; the caller frees `*err`. Threads: any; blocks for one request. Errors: LOST when it is not
/// held, here or in etcd: nothing was written; otherwise those of gocore_etcd_kv_put. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_put(
    lock: *mut gocore_etcd_lock,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    options: *const gocore_etcd_put_options,
    timeout_ms: i64,
    revision: *mut i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "lock.put";
    enter(op, err, || {
        let out = Plain::new(revision);
        let lock = handle(op, "lock", lock)?;
        let put = Put::read(op, (key, key_len), (value, value_len), options, timeout_ms)?;
        let (writer, options) = (lock.clone(), put.options());
        let write = async move { writer.lock.put_with(put.key, put.value, options).await };
        out.put(lock.client.wait(op, Limit::Never, write)?);
        Ok(OK)
    })
}

/// Frees a lock. One that is held is given back in the background; gocore_etcd_client_close waits for that. NULL is
/// allowed.
///
/// Ownership: takes `lock`. Threads: any; never waits. Errors: none; after a fork it does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_lock_free(lock: *mut gocore_etcd_lock) {
    out::free(lock);
}
