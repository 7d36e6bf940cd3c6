//! Transactions
//!
//! If all conditions hold, these operations, otherwise those; atomically, in one revision.

use std::ffi::c_void;

use gocore_etcd_core::bridge::invalid;
use gocore_etcd_core::{Cmp, Compare, Op, Result, Txn};

use crate::args::{Input, array, bytes, choice, handle, input, limit, optional_handle};
use crate::client::gocore_etcd_client;
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::kv::request;
use crate::leadership::gocore_etcd_leadership;
use crate::lock::gocore_etcd_lock;
use crate::out::Out;
use crate::range::{self, Use, gocore_etcd_range_options};
use crate::txn_result::gocore_etcd_txn_result;

/// Compares the revision at which the key was created with `number`; 0 for a key that does not exist. The default, so
/// that a compare of zeros says: the key does not exist.
pub const GOCORE_ETCD_TARGET_CREATE_REVISION: i32 = 0;
/// Compares the revision of the key's last change with `number`.
pub const GOCORE_ETCD_TARGET_MOD_REVISION: i32 = 1;
/// Compares how often the key was put since its creation with `number`.
pub const GOCORE_ETCD_TARGET_VERSION: i32 = 2;
/// Compares the lease the key is under with `number`.
pub const GOCORE_ETCD_TARGET_LEASE: i32 = 3;
/// Compares the value with `value`.
pub const GOCORE_ETCD_TARGET_VALUE: i32 = 4;

/// Equal to: the default.
pub const GOCORE_ETCD_COMPARE_EQUAL: i32 = 0;
/// Not equal to.
pub const GOCORE_ETCD_COMPARE_NOT_EQUAL: i32 = 1;
/// Greater than.
pub const GOCORE_ETCD_COMPARE_GREATER: i32 = 2;
/// Less than.
pub const GOCORE_ETCD_COMPARE_LESS: i32 = 3;

/// Write `key`.
pub const GOCORE_ETCD_OP_PUT: i32 = 1;
/// Read `key`, or the range that `range` makes of it.
pub const GOCORE_ETCD_OP_GET: i32 = 2;
/// Delete `key`, or the range that `range` makes of it.
pub const GOCORE_ETCD_OP_DELETE: i32 = 3;
/// Carry out `txn` inside this one. Its failing conditions do not stop the outer one.
pub const GOCORE_ETCD_OP_TXN: i32 = 4;

/// How deep transactions may be nested.
const DEEPEST: usize = 16;

/// One condition of a transaction. An element of an array; initialise it with zeros.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_compare {
    /// The key.
    pub key: *const c_void,
    /// Its length in bytes.
    pub key_len: usize,
    /// Not empty: for every key from `key` up to, and without, this one; true for a range without keys.
    pub end: *const c_void,
    /// Its length in bytes.
    pub end_len: usize,
    /// What is compared: one of GOCORE_ETCD_TARGET_….
    pub target: i32,
    /// How: one of GOCORE_ETCD_COMPARE_….
    pub compare: i32,
    /// What revisions, versions and leases are compared with.
    pub number: i64,
    /// What values are compared with.
    pub value: *const c_void,
    /// Its length in bytes.
    pub value_len: usize,
}

/// One operation of a transaction. An element of an array; initialise it with zeros.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_op {
    /// One of GOCORE_ETCD_OP_….
    pub kind: i32,
    /// Zero.
    pub reserved: i32,
    /// The key; none for GOCORE_ETCD_OP_TXN.
    pub key: *const c_void,
    /// Its length in bytes.
    pub key_len: usize,
    /// GOCORE_ETCD_OP_PUT: the value.
    pub value: *const c_void,
    /// Its length in bytes.
    pub value_len: usize,
    /// GOCORE_ETCD_OP_PUT: the lease that takes the key with it, 0 for none.
    pub lease: i64,
    /// GOCORE_ETCD_OP_GET and _DELETE: what belongs to the key; NULL is this one key.
    pub range: *const gocore_etcd_range_options,
    /// GOCORE_ETCD_OP_TXN: the inner transaction.
    pub txn: *const gocore_etcd_txn,
}

/// The plan of a transaction. No key may be touched twice in it. etcd's default is at most 128 operations in one list;
/// nested transactions hold more.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_txn {
    /// Set by GOCORE_ETCD_TXN_INIT.
    pub struct_size: usize,
    /// The conditions; all must hold.
    pub compares: *const gocore_etcd_compare,
    /// How many there are.
    pub compares_len: usize,
    /// What is done when all conditions hold.
    pub then_ops: *const gocore_etcd_op,
    /// How many there are.
    pub then_ops_len: usize,
    /// What is done when one does not.
    pub else_ops: *const gocore_etcd_op,
    /// How many there are.
    pub else_ops_len: usize,
    /// One more condition, that etcd checks: this lock is held by this owner. NULL: none.
    pub guard: *const gocore_etcd_lock,
    /// One more: this leadership is this leader's. NULL: none.
    pub leadership: *const gocore_etcd_leadership,
}

// SAFETY: repr(C), begins with the size; numbers and raw pointers.
unsafe impl Input for gocore_etcd_txn {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, guard) + size_of::<usize>();
}

/// Carries out a transaction. That conditions do not hold is no error: gocore_etcd_txn_result_succeeded says so.
///
/// `timeout_ms`: 0 is the client's request timeout.
///
/// Ownership: the caller frees `*result` and `*err`; `txn` is only read during the call. Threads: any; blocks. Errors:
/// INVALID_ARGUMENT; LOST when a guard refused it, no other condition was there and nothing was to be done otherwise;
/// UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away: gocore_etcd_error_maybe_applied says whether it may have been
/// carried out; RESOURCE_EXHAUSTED; PERMISSION_DENIED; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_txn(
    client: *mut gocore_etcd_client,
    txn: *const gocore_etcd_txn,
    timeout_ms: i64,
    result: *mut *mut gocore_etcd_txn_result,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.txn";
    enter(op, err, || {
        let out = Out::new(op, "result", result)?;
        let client = handle(op, "client", client)?;
        let limit = limit(op, timeout_ms)?;
        let plan = plan(op, txn, 0)?;
        out.give(request(&client, op, limit, |kv| async move { kv.commit(plan).await })?.into());
        Ok(OK)
    })
}

fn plan(op: &'static str, txn: *const gocore_etcd_txn, depth: usize) -> Result<Txn> {
    if depth > DEEPEST {
        return Err(invalid(op, "txn", format!("is nested deeper than {DEEPEST}")));
    }
    let given = input(op, "txn", txn)?.ok_or_else(|| invalid(op, "txn", "must not be NULL"))?;
    let mut plan = Txn::new();
    for one in array(op, "txn.compares", given.compares, given.compares_len)? {
        plan = plan.when(condition(op, one)?);
    }
    if let Some(lock) = optional_handle(op, given.guard)? {
        plan = plan.guarded_by(&lock.lock);
    }
    if let Some(leader) = optional_handle(op, given.leadership)? {
        plan = plan.guarded_by(&*leader.leadership);
    }
    for one in array(op, "txn.then_ops", given.then_ops, given.then_ops_len)? {
        plan = plan.then(operation(op, one, depth)?);
    }
    for one in array(op, "txn.else_ops", given.else_ops, given.else_ops_len)? {
        plan = plan.otherwise(operation(op, one, depth)?);
    }
    Ok(plan)
}

fn condition(op: &'static str, given: &gocore_etcd_compare) -> Result<Compare> {
    let compares = [
        (GOCORE_ETCD_COMPARE_EQUAL, Cmp::Equal),
        (GOCORE_ETCD_COMPARE_NOT_EQUAL, Cmp::NotEqual),
        (GOCORE_ETCD_COMPARE_GREATER, Cmp::Greater),
        (GOCORE_ETCD_COMPARE_LESS, Cmp::Less),
    ];
    let cmp = choice(op, "txn.compares.compare", given.compare, &compares)?;
    let key = bytes(op, "txn.compares.key", given.key, given.key_len)?;
    let end = bytes(op, "txn.compares.end", given.end, given.end_len)?;
    let value = bytes(op, "txn.compares.value", given.value, given.value_len)?;
    type Make = fn(&[u8], Cmp, i64, &[u8]) -> Compare;
    let targets: [(i32, Make); 5] = [
        (GOCORE_ETCD_TARGET_CREATE_REVISION, |key, cmp, number, _| Compare::create_revision(key, cmp, number)),
        (GOCORE_ETCD_TARGET_MOD_REVISION, |key, cmp, number, _| Compare::mod_revision(key, cmp, number)),
        (GOCORE_ETCD_TARGET_VERSION, |key, cmp, number, _| Compare::version(key, cmp, number)),
        (GOCORE_ETCD_TARGET_LEASE, |key, cmp, number, _| Compare::lease(key, cmp, number)),
        (GOCORE_ETCD_TARGET_VALUE, |key, cmp, _, value| Compare::value(key, cmp, value)),
    ];
    let make = choice(op, "txn.compares.target", given.target, &targets)?;
    let compare = make(key, cmp, given.number, value);
    Ok(if end.is_empty() { compare } else { compare.until(end) })
}

fn operation(op: &'static str, given: &gocore_etcd_op, depth: usize) -> Result<Op> {
    if given.reserved != 0 {
        return Err(invalid(op, "txn.ops.reserved", "must be zero"));
    }
    let range = |purpose| range::read_named(op, range::IN_TXN, given.key, given.key_len, given.range, purpose);
    match given.kind {
        GOCORE_ETCD_OP_PUT => {
            let key = bytes(op, "txn.ops.key", given.key, given.key_len)?;
            let value = bytes(op, "txn.ops.value", given.value, given.value_len)?;
            Ok(Op::put_under(key, value, given.lease))
        }
        GOCORE_ETCD_OP_GET => range(Use::Read).map(Op::Get),
        GOCORE_ETCD_OP_DELETE => range(Use::Delete).map(Op::Delete),
        GOCORE_ETCD_OP_TXN => plan(op, given.txn, depth + 1).map(Op::Txn),
        unknown => Err(invalid(op, "txn.ops.kind", format!("{unknown} is no value of it"))),
    }
}
