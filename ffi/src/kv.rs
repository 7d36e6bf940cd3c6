//! Keys and values
//!
//! Keys are absolute bytes: nothing is prefixed (gocore_etcd_client_key builds a key below the prefix). Each call is one
//! request. A read needs no proposal; a write is one raft proposal, a transaction with a write in either branch also
//! when its conditions refuse it. A write that may have been applied is never sent again: its error says so
//! (gocore_etcd_error_maybe_applied), and reading back decides.

use std::ffi::c_void;
use std::sync::Arc;

use gocore_etcd_core::bridge::{Limit, renamed};
use gocore_etcd_core::{Kv, PutOptions, Range, Result};

use crate::args::{Input, bytes, handle, input, limit};
use crate::client::{ClientShared, gocore_etcd_client};
use crate::entry::{gocore_etcd_kv_entry, gocore_etcd_kv_listing};
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::{Out, Plain};
use crate::range::{self, Use, gocore_etcd_range_options};

/// How to read one key.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_get_options {
    /// Set by GOCORE_ETCD_GET_OPTIONS_INIT.
    pub struct_size: usize,
    /// As it was at this revision; 0 is now.
    pub revision: i64,
}

// SAFETY: repr(C), begins with the size; numbers.
unsafe impl Input for gocore_etcd_get_options {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, revision) + size_of::<i64>();
}

/// How to write one key.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_put_options {
    /// Set by GOCORE_ETCD_PUT_OPTIONS_INIT.
    pub struct_size: usize,
    /// The lease that takes the key with it when it ends; 0 is none.
    pub lease: i64,
}

// SAFETY: repr(C), begins with the size; numbers.
unsafe impl Input for gocore_etcd_put_options {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, lease) + size_of::<i64>();
}

/// What a put is given, plainly or under a guard.
pub(crate) struct Put {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
    lease: i64,
    limit: Limit,
}

impl Put {
    pub(crate) fn read(
        op: &'static str,
        (key, key_len): (*const c_void, usize),
        (value, value_len): (*const c_void, usize),
        options: *const gocore_etcd_put_options,
        timeout_ms: i64,
    ) -> Result<Self> {
        Ok(Self {
            key: bytes(op, "key", key, key_len)?.to_vec(),
            value: bytes(op, "value", value, value_len)?.to_vec(),
            lease: input(op, "options", options)?.map_or(0, |options| options.lease),
            limit: limit(op, timeout_ms)?,
        })
    }

    /// For an owner's put, which ends its request itself and then knows what became of it.
    pub(crate) fn options(&self) -> PutOptions {
        PutOptions { lease: self.lease, timeout: self.limit.for_request() }
    }
}

/// The door to etcd with the limit of one call; it ends each request itself, and then knows what became of it.
fn door(client: &ClientShared, limit: Limit) -> Kv {
    let kv = client.client.kv();
    match limit.for_request() {
        Some(timeout) => kv.with_timeout(timeout),
        None => kv,
    }
}

/// Runs one request.
pub(crate) fn request<T: Send + 'static, F: Future<Output = Result<T>> + Send + 'static>(
    client: &Arc<ClientShared>,
    op: &'static str,
    limit: Limit,
    work: impl FnOnce(Kv) -> F,
) -> Result<T> {
    // Boxed at once: each hand it goes through would copy it.
    let work = Box::pin(work(door(client, limit)));
    client.wait(op, Limit::Never, work).map_err(|error| renamed(error, op))
}

/// Reads one key. `*entry` is the entry, or NULL when the key does not exist: that is GOCORE_ETCD_STATUS_OK too.
///
/// `options` may be NULL. `timeout_ms`: 0 is the client's request timeout. Cost: one request, no proposal; threads that read
/// at the same moment, without a revision, may share one.
///
/// Ownership: the caller frees `*entry` and `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; UNAVAILABLE,
/// DEADLINE_EXCEEDED when etcd is away; COMPACTED when the revision asked for is gone; PERMISSION_DENIED; CLOSED.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_get(
    client: *mut gocore_etcd_client,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_get_options,
    timeout_ms: i64,
    entry: *mut *mut gocore_etcd_kv_entry,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.get";
    enter(op, err, || {
        let out = Out::new(op, "entry", entry)?;
        let client = handle(op, "client", client)?;
        let key = bytes(op, "key", key, key_len)?.to_vec();
        let revision = input(op, "options", options)?.map_or(0, |options| options.revision);
        let limit = limit(op, timeout_ms)?;
        let found = request(&client, op, limit, |kv| async move {
            match revision {
                0 => kv.get(key).await,
                _ => Ok(kv.list(Range::key(key).at_revision(revision)).await?.kvs.pop()),
            }
        })?;
        if let Some(found) = found {
            out.give(found.into());
        }
        Ok(OK)
    })
}

/// Reads a range of keys: what `options` makes of `key`.
///
/// `options` may be NULL: then it is this one key. `timeout_ms`: 0 is the client's request timeout. An answer of many
/// megabytes is better read in pages: with a limit, at one revision, from the last key on.
///
/// Ownership: the caller frees `*listing` and `*err`. Threads: any; blocks. Errors: as for gocore_etcd_kv_get.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_list(
    client: *mut gocore_etcd_client,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_range_options,
    timeout_ms: i64,
    listing: *mut *mut gocore_etcd_kv_listing,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.list";
    enter(op, err, || {
        let out = Out::new(op, "listing", listing)?;
        let client = handle(op, "client", client)?;
        let range = range::read(op, key, key_len, options, Use::Read)?;
        let limit = limit(op, timeout_ms)?;
        out.give(request(&client, op, limit, |kv| async move { kv.list(range).await })?.into());
        Ok(OK)
    })
}

/// Writes a key. `*revision` (which may be NULL) is the revision of the write.
///
/// `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
///
/// Ownership: the caller frees `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; NOT_FOUND when there is no such
/// lease; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away: gocore_etcd_error_maybe_applied says whether it may have
/// been written; RESOURCE_EXHAUSTED; PERMISSION_DENIED; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_put(
    client: *mut gocore_etcd_client,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    options: *const gocore_etcd_put_options,
    timeout_ms: i64,
    revision: *mut i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.put";
    enter(op, err, || {
        let out = Plain::new(revision);
        let client = handle(op, "client", client)?;
        let Put { key, value, lease, limit } = Put::read(op, (key, key_len), (value, value_len), options, timeout_ms)?;
        out.put(request(&client, op, limit, |kv| async move { kv.put_under(key, value, lease).await })?);
        Ok(OK)
    })
}

/// Deletes a key, or the range that `options` makes of it. `*deleted` (which may be NULL) is the number of keys deleted.
///
/// `options` may be NULL; of its fields `scope` and `end` are for deleting. `timeout_ms`: 0 is the client's request
/// timeout.
///
/// Ownership: the caller frees `*err`. Threads: any; blocks. Errors: as for gocore_etcd_kv_put; that nothing was there
/// to delete is none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_delete(
    client: *mut gocore_etcd_client,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_range_options,
    timeout_ms: i64,
    deleted: *mut u64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.delete";
    enter(op, err, || {
        let out = Plain::new(deleted);
        let client = handle(op, "client", client)?;
        let range = range::read(op, key, key_len, options, Use::Delete)?;
        let limit = limit(op, timeout_ms)?;
        out.put(request(&client, op, limit, |kv| async move { kv.delete(range).await })?);
        Ok(OK)
    })
}
