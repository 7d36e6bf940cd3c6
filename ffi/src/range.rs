//! Ranges
//!
//! Which keys to list, delete or watch, and how to read them.

use std::ffi::c_void;

use gocore_etcd_core::bridge::invalid;
use gocore_etcd_core::{Order, Range, Result};

use crate::args::{Input, bytes, choice, input};

/// This one key: the default.
pub const GOCORE_ETCD_SCOPE_KEY: i32 = 0;
/// Every key that begins with it; without a key, every key there is.
pub const GOCORE_ETCD_SCOPE_PREFIX: i32 = 1;
/// The keys from it up to, and without, `end`.
pub const GOCORE_ETCD_SCOPE_BETWEEN: i32 = 2;

/// Keys and values: the default.
pub const GOCORE_ETCD_CONTENT_ALL: i32 = 0;
/// Keys without their values.
pub const GOCORE_ETCD_CONTENT_KEYS: i32 = 1;
/// The number of keys alone.
pub const GOCORE_ETCD_CONTENT_COUNT: i32 = 2;

/// By key, ascending: the default.
pub const GOCORE_ETCD_ORDER_KEY: i32 = 0;
/// Oldest creation first.
pub const GOCORE_ETCD_ORDER_OLDEST_CREATED: i32 = 1;
/// Newest creation first.
pub const GOCORE_ETCD_ORDER_NEWEST_CREATED: i32 = 2;

/// What belongs to a key given beside it. Everything zero, and NULL, mean this one key as it is now.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_range_options {
    /// Set by GOCORE_ETCD_RANGE_OPTIONS_INIT.
    pub struct_size: usize,
    /// GOCORE_ETCD_SCOPE_KEY, _PREFIX or _BETWEEN.
    pub scope: i32,
    /// GOCORE_ETCD_CONTENT_ALL, _KEYS or _COUNT. For reading.
    pub content: i32,
    /// With GOCORE_ETCD_SCOPE_BETWEEN: the first key beyond the range.
    pub end: *const c_void,
    /// Its length in bytes.
    pub end_len: usize,
    /// GOCORE_ETCD_ORDER_KEY, _OLDEST_CREATED or _NEWEST_CREATED. For reading.
    pub order: i32,
    /// At most this many; 0 is no limit. For reading.
    pub limit: u32,
    /// As it was at this revision; 0 is now. For reading.
    pub revision: i64,
    /// Only keys created at or before this revision; 0 is all. For reading.
    pub max_create_revision: i64,
}

// SAFETY: repr(C), begins with the size; numbers and raw pointers.
unsafe impl Input for gocore_etcd_range_options {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, max_create_revision) + size_of::<i64>();
}

/// What a range is for: deleting and watching know none of the ways of reading.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Read,
    Delete,
    Watch,
}

/// What a range's parts are called where they are given.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    key: &'static str,
    options: &'static str,
    scope: &'static str,
    end: &'static str,
    content: &'static str,
    order: &'static str,
    limit: &'static str,
    revision: &'static str,
    max_create_revision: &'static str,
}

macro_rules! names {
    ($key:literal, $options:literal) => {
        Names {
            key: $key,
            options: $options,
            scope: concat!($options, ".scope"),
            end: concat!($options, ".end"),
            content: concat!($options, ".content"),
            order: concat!($options, ".order"),
            limit: concat!($options, ".limit"),
            revision: concat!($options, ".revision"),
            max_create_revision: concat!($options, ".max_create_revision"),
        }
    };
}

const PARAMETERS: Names = names!("key", "options");
/// Those of an operation in a transaction.
pub(crate) const IN_TXN: Names = names!("txn.ops.key", "txn.ops.range");

/// The range that a function's parameters `key` and `options` make.
pub(crate) fn read(
    op: &'static str,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_range_options,
    purpose: Use,
) -> Result<Range> {
    read_named(op, PARAMETERS, key, key_len, options, purpose)
}

pub(crate) fn read_named(
    op: &'static str,
    names: Names,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_range_options,
    purpose: Use,
) -> Result<Range> {
    #[derive(Clone, Copy)]
    enum Scope {
        Key,
        Prefix,
        Between,
    }
    let key = bytes(op, names.key, key, key_len)?;
    let Some(given) = input(op, names.options, options)? else { return Ok(Range::key(key)) };
    let scopes = [
        (GOCORE_ETCD_SCOPE_KEY, Scope::Key),
        (GOCORE_ETCD_SCOPE_PREFIX, Scope::Prefix),
        (GOCORE_ETCD_SCOPE_BETWEEN, Scope::Between),
    ];
    let end = bytes(op, names.end, given.end, given.end_len)?;
    let mut range = match choice(op, names.scope, given.scope, &scopes)? {
        Scope::Between if end.is_empty() => return Err(invalid(op, names.end, "must not be empty")),
        Scope::Between => Range::between(key, end),
        _ if !end.is_empty() => return Err(invalid(op, names.end, "given without GOCORE_ETCD_SCOPE_BETWEEN")),
        Scope::Key => Range::key(key),
        Scope::Prefix => Range::prefix(key),
    };
    let orders = [
        (GOCORE_ETCD_ORDER_KEY, Order::Key),
        (GOCORE_ETCD_ORDER_OLDEST_CREATED, Order::OldestCreated),
        (GOCORE_ETCD_ORDER_NEWEST_CREATED, Order::NewestCreated),
    ];
    let order = choice(op, names.order, given.order, &orders)?;
    type Narrow = fn(Range) -> Range;
    let contents: [(i32, Narrow); 3] = [
        (GOCORE_ETCD_CONTENT_ALL, |range| range),
        (GOCORE_ETCD_CONTENT_KEYS, Range::keys_only),
        (GOCORE_ETCD_CONTENT_COUNT, Range::count_only),
    ];
    let content = choice(op, names.content, given.content, &contents)?;
    if given.max_create_revision < 0 {
        return Err(invalid(op, names.max_create_revision, "must not be negative"));
    }
    let reads = [
        (names.content, given.content != 0),
        (names.order, given.order != 0),
        (names.limit, given.limit != 0),
        (names.revision, given.revision != 0),
        (names.max_create_revision, given.max_create_revision != 0),
    ];
    let other = match purpose {
        Use::Read => None,
        Use::Delete => Some("deletes"),
        Use::Watch => Some("watches"),
    };
    if let Some(other) = other {
        return match reads.iter().find(|(_, set)| *set) {
            Some((argument, _)) => Err(invalid(op, argument, format!("is for reading, and this {other}"))),
            None => Ok(range),
        };
    }
    range = content(range).order(order).limit(given.limit).at_revision(given.revision);
    Ok(range.created_until(given.max_create_revision))
}
