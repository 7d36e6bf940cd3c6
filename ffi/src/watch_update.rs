//! Watch: updates
//!
//! What a watch tells. Updates are values: they belong to no client and outlive it.

use std::ptr;
use std::sync::Arc;

use gocore_etcd_core::{Change, Error, WatchUpdate};

use crate::entry::{borrowed_bytes, gocore_etcd_kv_entry};
use crate::entry_point::getter;
use crate::error::gocore_etcd_error;
use crate::out::{self, Plain};

/// All keys of the range, at one revision: they replace whatever picture the program has of it.
pub const GOCORE_ETCD_UPDATE_SNAPSHOT: i32 = 1;
/// The changes of one revision, in no particular order.
pub const GOCORE_ETCD_UPDATE_CHANGES: i32 = 2;
/// Whether changes come at once, or etcd is away and they will come later. Nothing is lost by it.
pub const GOCORE_ETCD_UPDATE_CONNECTED: i32 = 3;
/// etcd does not let us read the range (PERMISSION_DENIED, UNAUTHENTICATED and the like). It is tried again; a snapshot
/// follows once it does.
pub const GOCORE_ETCD_UPDATE_PROBLEM: i32 = 4;

/// The key was written; version 1 of its entry means that it was created.
pub const GOCORE_ETCD_CHANGE_PUT: i32 = 1;
/// The key was deleted, or its lease ended.
pub const GOCORE_ETCD_CHANGE_DELETE: i32 = 2;

/// One thing a watch had to say.
///
/// Ownership: borrowed for the callback it is given to; one from gocore_etcd_kv_update_clone is the caller's, freed with
/// gocore_etcd_kv_update_free. Threads: any number may read it at once.
pub struct gocore_etcd_kv_update(Arc<Update>);

/// What it holds, shared by its clones.
enum Update {
    Snapshot { revision: i64, entries: Vec<gocore_etcd_kv_entry> },
    Changes { revision: i64, changes: Vec<Changed>, coalesced: bool },
    Connected(bool),
    Problem(gocore_etcd_error),
}

enum Changed {
    Put(gocore_etcd_kv_entry),
    Delete(Vec<u8>),
}

impl gocore_etcd_kv_update {
    /// None for what the core knows and this interface does not.
    pub(crate) fn new(update: WatchUpdate) -> Option<Self> {
        let update = match update {
            WatchUpdate::Snapshot { revision, kvs } => {
                Update::Snapshot { revision, entries: kvs.into_iter().map(Into::into).collect() }
            }
            WatchUpdate::Changes { revision, changes, coalesced } => {
                let changes = changes.into_iter().filter_map(|change| match change {
                    Change::Put(kv) => Some(Changed::Put(kv.into())),
                    Change::Delete { key, .. } => Some(Changed::Delete(key)),
                    _ => None,
                });
                Update::Changes { revision, changes: changes.collect(), coalesced }
            }
            WatchUpdate::Connected(connected) => Update::Connected(connected),
            _ => return None,
        };
        Some(Self(Arc::new(update)))
    }

    pub(crate) fn problem(error: Error) -> Self {
        Self(Arc::new(Update::Problem(error.into())))
    }

    fn entry(&self, index: usize) -> Option<&gocore_etcd_kv_entry> {
        match &*self.0 {
            Update::Snapshot { entries, .. } => entries.get(index),
            Update::Changes { changes, .. } => match changes.get(index)? {
                Changed::Put(entry) => Some(entry),
                Changed::Delete(_) => None,
            },
            Update::Connected(_) | Update::Problem(_) => None,
        }
    }

    fn deleted(&self, index: usize) -> Option<&[u8]> {
        match &*self.0 {
            Update::Changes { changes, .. } => match changes.get(index)? {
                Changed::Delete(key) => Some(key),
                Changed::Put(_) => None,
            },
            Update::Snapshot { .. } | Update::Connected(_) | Update::Problem(_) => None,
        }
    }
}

/// What it tells: GOCORE_ETCD_UPDATE_SNAPSHOT, _CHANGES, _CONNECTED or _PROBLEM.
///
/// Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_kind(update: *const gocore_etcd_kv_update) -> i32 {
    getter(update, 0, |update| match &*update.0 {
        Update::Snapshot { .. } => GOCORE_ETCD_UPDATE_SNAPSHOT,
        Update::Changes { .. } => GOCORE_ETCD_UPDATE_CHANGES,
        Update::Connected(_) => GOCORE_ETCD_UPDATE_CONNECTED,
        Update::Problem(_) => GOCORE_ETCD_UPDATE_PROBLEM,
    })
}

/// The revision of the snapshot, or of the changes. 0 for the other kinds.
///
/// No later update has a lower one, until the cluster is restored from a backup: then a snapshot comes whose revision is
/// lower, and it is counted on from there. So a program takes every snapshot as what there is now, and never leaves an update
/// out because its revision is not higher than the last.
///
/// Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_revision(update: *const gocore_etcd_kv_update) -> i64 {
    getter(update, 0, |update| match &*update.0 {
        Update::Snapshot { revision, .. } | Update::Changes { revision, .. } => *revision,
        Update::Connected(_) | Update::Problem(_) => 0,
    })
}

/// Of GOCORE_ETCD_UPDATE_CHANGES: whether the callback was slow, and of each key only the newest change is there.
///
/// Ownership: borrows `update`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_coalesced(update: *const gocore_etcd_kv_update) -> bool {
    getter(update, false, |update| matches!(&*update.0, Update::Changes { coalesced: true, .. }))
}

/// Of GOCORE_ETCD_UPDATE_CONNECTED: true when changes come at once, false while etcd is away.
///
/// Ownership: borrows `update`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_connected(update: *const gocore_etcd_kv_update) -> bool {
    getter(update, false, |update| matches!(&*update.0, Update::Connected(true)))
}

/// Of GOCORE_ETCD_UPDATE_PROBLEM: what it is; NULL for the other kinds.
///
/// Ownership: borrowed, it lives as long as `update`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_problem(update: *const gocore_etcd_kv_update) -> *const gocore_etcd_error {
    getter(update, ptr::null(), |update| match &*update.0 {
        Update::Problem(error) => ptr::from_ref(error),
        _ => ptr::null(),
    })
}

/// How many entries or changes it has.
///
/// Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_len(update: *const gocore_etcd_kv_update) -> usize {
    getter(update, 0, |update| match &*update.0 {
        Update::Snapshot { entries, .. } => entries.len(),
        Update::Changes { changes, .. } => changes.len(),
        Update::Connected(_) | Update::Problem(_) => 0,
    })
}

/// What the change at `index` is: GOCORE_ETCD_CHANGE_PUT or _DELETE; 0 beyond the last, and in a snapshot.
///
/// Ownership: borrows `update`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_change(update: *const gocore_etcd_kv_update, index: usize) -> i32 {
    getter(update, 0, |update| match &*update.0 {
        Update::Changes { changes, .. } => match changes.get(index) {
            Some(Changed::Put(_)) => GOCORE_ETCD_CHANGE_PUT,
            Some(Changed::Delete(_)) => GOCORE_ETCD_CHANGE_DELETE,
            None => 0,
        },
        Update::Snapshot { .. } | Update::Connected(_) | Update::Problem(_) => 0,
    })
}

/// The entry at `index` of a snapshot, where they stand in the order of their keys, or what the change at `index` put
/// there; NULL for a delete, and beyond the last.
///
/// Ownership: borrowed, it lives as long as `update`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_entry(
    update: *const gocore_etcd_kv_update,
    index: usize,
) -> *const gocore_etcd_kv_entry {
    getter(update, ptr::null(), |update| update.entry(index).map_or(ptr::null(), ptr::from_ref))
}

/// The key that the change at `index` deleted, with its length in `*len` (which may be NULL); NULL for a put, in a
/// snapshot, and beyond the last. Not NUL-terminated.
///
/// Ownership: bytes that live as long as `update`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_deleted(
    update: *const gocore_etcd_kv_update,
    index: usize,
    len: *mut usize,
) -> *const u8 {
    Plain::new(len);
    getter(update, ptr::null(), |update| update.deleted(index).map_or(ptr::null(), |key| borrowed_bytes(key, len)))
}

/// The same update, to be kept beyond the callback. Nothing is copied. NULL gives NULL.
///
/// Ownership: the caller frees what it gives with gocore_etcd_kv_update_free. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_clone(update: *const gocore_etcd_kv_update) -> *mut gocore_etcd_kv_update {
    getter(update, ptr::null_mut(), |update| Box::into_raw(Box::new(gocore_etcd_kv_update(update.0.clone()))))
}

/// Frees an update that gocore_etcd_kv_update_clone gave; those of callbacks are not to be freed. NULL is allowed.
///
/// Ownership: takes `update`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_update_free(update: *mut gocore_etcd_kv_update) {
    out::free(update);
}
