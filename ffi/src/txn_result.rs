//! Results of transactions
//!
//! What each operation of a transaction did, in their order. Results are values: they belong to no client.

use std::ptr;

use gocore_etcd_core::{OpResult, TxnResult};

use crate::entry::{borrowed, entries, gocore_etcd_kv_entry};
use crate::entry_point::getter;
use crate::out;
use crate::txn::{GOCORE_ETCD_OP_DELETE, GOCORE_ETCD_OP_GET, GOCORE_ETCD_OP_PUT, GOCORE_ETCD_OP_TXN};

/// What a transaction did.
///
/// Ownership: from gocore_etcd_kv_txn it is the caller's, freed with gocore_etcd_txn_result_free; an inner one is
/// borrowed from the outer, and const. Threads: any number may read it at once.
pub struct gocore_etcd_txn_result {
    succeeded: bool,
    revision: i64,
    results: Vec<Done>,
}

/// What one operation did.
enum Done {
    Put,
    Get(Vec<gocore_etcd_kv_entry>),
    Delete(u64),
    Txn(gocore_etcd_txn_result),
    /// What the core knows and this interface does not: nothing that a plan of C can ask for.
    Other,
}

impl From<TxnResult> for gocore_etcd_txn_result {
    fn from(TxnResult { succeeded, revision, results }: TxnResult) -> Self {
        let results = results.into_iter().map(|result| match result {
            OpResult::Put => Done::Put,
            OpResult::Get(kvs) => Done::Get(entries(kvs)),
            OpResult::Delete(deleted) => Done::Delete(deleted),
            OpResult::Txn(inner) => Done::Txn(inner.into()),
            _ => Done::Other,
        });
        Self { succeeded, revision, results: results.collect() }
    }
}

/// Whether all conditions held: then the results are those of `then_ops`, else those of `else_ops`.
///
/// Ownership: borrows `result`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_succeeded(result: *const gocore_etcd_txn_result) -> bool {
    getter(result, false, |result| result.succeeded)
}

/// The revision it was carried out at; 0 for an inner one.
///
/// Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_revision(result: *const gocore_etcd_txn_result) -> i64 {
    getter(result, 0, |result| result.revision)
}

/// How many operations it carried out.
///
/// Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_len(result: *const gocore_etcd_txn_result) -> usize {
    getter(result, 0, |result| result.results.len())
}

/// Which operation it was: one of GOCORE_ETCD_OP_…; 0 beyond the last.
///
/// Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_kind(result: *const gocore_etcd_txn_result, index: usize) -> i32 {
    getter(result, 0, |result| match result.results.get(index) {
        Some(Done::Put) => GOCORE_ETCD_OP_PUT,
        Some(Done::Get(_)) => GOCORE_ETCD_OP_GET,
        Some(Done::Delete(_)) => GOCORE_ETCD_OP_DELETE,
        Some(Done::Txn(_)) => GOCORE_ETCD_OP_TXN,
        Some(Done::Other) | None => 0,
    })
}

/// How many entries operation `index` read; 0 for any other operation.
///
/// Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_entries_len(result: *const gocore_etcd_txn_result, index: usize) -> usize {
    getter(result, 0, |result| read_by(result, index).len())
}

/// Entry number `entry` of what operation `index` read, or NULL.
///
/// Ownership: borrowed, it lives as long as `result`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_entry(
    result: *const gocore_etcd_txn_result,
    index: usize,
    entry: usize,
) -> *const gocore_etcd_kv_entry {
    getter(result, ptr::null(), |result| borrowed(read_by(result, index), entry))
}

/// How many keys operation `index` deleted; 0 for any other operation.
///
/// Ownership: borrows `result`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_deleted(result: *const gocore_etcd_txn_result, index: usize) -> u64 {
    getter(result, 0, |result| match result.results.get(index) {
        Some(Done::Delete(deleted)) => *deleted,
        _ => 0,
    })
}

/// The result of the inner transaction that operation `index` was, or NULL.
///
/// Ownership: borrowed, it lives as long as `result`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_txn(
    result: *const gocore_etcd_txn_result,
    index: usize,
) -> *const gocore_etcd_txn_result {
    getter(result, ptr::null(), |result| match result.results.get(index) {
        Some(Done::Txn(inner)) => inner,
        _ => ptr::null(),
    })
}

/// Frees a result with all that is in it. NULL is allowed.
///
/// Ownership: takes `result`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_txn_result_free(result: *mut gocore_etcd_txn_result) {
    out::free(result);
}

fn read_by(result: &gocore_etcd_txn_result, index: usize) -> &[gocore_etcd_kv_entry] {
    match result.results.get(index) {
        Some(Done::Get(kvs)) => kvs,
        _ => &[],
    }
}
