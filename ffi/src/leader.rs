//! Election: a leader
//!
//! What anyone sees of a leader. Leaders are values: they belong to no client and outlive it.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use gocore_etcd_core::Leader;

use crate::entry_point::getter;
use crate::out::{self, Plain};

/// Who leads.
///
/// Ownership: freed with gocore_etcd_leader_free when it came out of a call or from gocore_etcd_leader_clone; borrowed for
/// the callback it is given to. Threads: any number may read it at once.
pub struct gocore_etcd_leader(Arc<Seen>);

/// What it holds, shared by its clones.
struct Seen {
    /// Ends with NUL, and may contain it: foreign programs write what they like.
    identity: Vec<u8>,
    token: i64,
    revision: i64,
}

impl From<Leader> for gocore_etcd_leader {
    fn from(Leader { identity, token, revision, .. }: Leader) -> Self {
        let mut identity = identity.into_bytes();
        identity.push(0);
        Self(Arc::new(Seen { identity, token, revision }))
    }
}

/// What it has proclaimed last, at first the identity it campaigned with, with its length in `*len` (which may be NULL).
///
/// Ownership: UTF-8 text that lives as long as `leader`; it ends with NUL, and has none inside unless a foreign program has
/// written one; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leader_identity(leader: *const gocore_etcd_leader, len: *mut usize) -> *const c_char {
    let length = Plain::new(len);
    getter(leader, ptr::null(), |leader| {
        length.put(leader.0.identity.len() - 1);
        leader.0.identity.as_ptr().cast()
    })
}

/// Its fencing token, higher than that of every leader before, until the cluster is restored from a backup.
///
/// Ownership: borrows `leader`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leader_token(leader: *const gocore_etcd_leader) -> i64 {
    getter(leader, 0, |leader| leader.0.token)
}

/// The revision at which its identity was written: the token, until it proclaims another.
///
/// Ownership: borrows `leader`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leader_revision(leader: *const gocore_etcd_leader) -> i64 {
    getter(leader, 0, |leader| leader.0.revision)
}

/// The same leader, to be kept beyond the callback. Nothing is copied. NULL gives NULL.
///
/// Ownership: the caller frees what it gives with gocore_etcd_leader_free. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leader_clone(leader: *const gocore_etcd_leader) -> *mut gocore_etcd_leader {
    getter(leader, ptr::null_mut(), |leader| Box::into_raw(Box::new(gocore_etcd_leader(leader.0.clone()))))
}

/// Frees a leader; those of callbacks are not to be freed. NULL is allowed.
///
/// Ownership: takes `leader`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leader_free(leader: *mut gocore_etcd_leader) {
    out::free(leader);
}
