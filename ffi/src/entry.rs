//! Entries
//!
//! A key with its value, as a read gave it. Entries and listings are values: they belong to no client and outlive it.

use std::ptr;

use gocore_etcd_core::{KeyValue, Listing};

use crate::entry_point::getter;
use crate::out::{self, Plain};

/// A key with its value and its history in short.
///
/// Ownership: from gocore_etcd_kv_get it is the caller's, freed with gocore_etcd_kv_entry_free; taken out of a listing, a
/// transaction's result or a watch's update it is borrowed from that, and const. Threads: any number may read it at once.
pub struct gocore_etcd_kv_entry(KeyValue);

impl From<KeyValue> for gocore_etcd_kv_entry {
    fn from(kv: KeyValue) -> Self {
        Self(kv)
    }
}

/// One of many, borrowed; NULL beyond the last.
pub(crate) fn borrowed(entries: &[gocore_etcd_kv_entry], index: usize) -> *const gocore_etcd_kv_entry {
    entries.get(index).map_or(ptr::null(), ptr::from_ref)
}

pub(crate) fn entries(kvs: Vec<KeyValue>) -> Vec<gocore_etcd_kv_entry> {
    kvs.into_iter().map(Into::into).collect()
}

/// The bytes with their length; without bytes a place that may be pointed to, but not read.
pub(crate) fn borrowed_bytes(bytes: &[u8], len: *mut usize) -> *const u8 {
    Plain::new(len).put(bytes.len());
    bytes.as_ptr()
}

/// The key; its length in `*len` (which may be NULL). Not NUL-terminated.
///
/// Ownership: bytes that live as long as `entry`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_key(entry: *const gocore_etcd_kv_entry, len: *mut usize) -> *const u8 {
    Plain::new(len);
    getter(entry, ptr::null(), |entry| borrowed_bytes(&entry.0.key, len))
}

/// The value; its length in `*len` (which may be NULL). Not NUL-terminated.
///
/// Ownership: bytes that live as long as `entry`; NULL gives NULL and 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_value(entry: *const gocore_etcd_kv_entry, len: *mut usize) -> *const u8 {
    Plain::new(len);
    getter(entry, ptr::null(), |entry| borrowed_bytes(&entry.0.value, len))
}

/// The revision at which this incarnation of the key was created.
///
/// Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_create_revision(entry: *const gocore_etcd_kv_entry) -> i64 {
    getter(entry, 0, |entry| entry.0.create_revision)
}

/// The revision of the key's last change.
///
/// Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_mod_revision(entry: *const gocore_etcd_kv_entry) -> i64 {
    getter(entry, 0, |entry| entry.0.mod_revision)
}

/// How often the key was put since its creation.
///
/// Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_version(entry: *const gocore_etcd_kv_entry) -> i64 {
    getter(entry, 0, |entry| entry.0.version)
}

/// The lease the key is under, 0 for none.
///
/// Ownership: borrows `entry`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_lease(entry: *const gocore_etcd_kv_entry) -> i64 {
    getter(entry, 0, |entry| entry.0.lease)
}

/// Frees an entry that gocore_etcd_kv_get gave. NULL is allowed.
///
/// Ownership: takes `entry`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_entry_free(entry: *mut gocore_etcd_kv_entry) {
    out::free(entry);
}

/// What a range held.
///
/// Ownership: freed with gocore_etcd_kv_listing_free. Threads: any number may read it at once.
pub struct gocore_etcd_kv_listing {
    entries: Vec<gocore_etcd_kv_entry>,
    count: u64,
    more: bool,
    revision: i64,
}

impl From<Listing> for gocore_etcd_kv_listing {
    fn from(Listing { kvs, count, more, revision }: Listing) -> Self {
        Self { entries: entries(kvs), count, more, revision }
    }
}

/// How many entries it has.
///
/// Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_len(listing: *const gocore_etcd_kv_listing) -> usize {
    getter(listing, 0, |listing| listing.entries.len())
}

/// The entry at `index`, or NULL beyond the last.
///
/// Ownership: borrowed, it lives as long as `listing`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_entry(
    listing: *const gocore_etcd_kv_listing,
    index: usize,
) -> *const gocore_etcd_kv_entry {
    getter(listing, ptr::null(), |listing| borrowed(&listing.entries, index))
}

/// How many keys the range holds, whatever the limit was.
///
/// Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_count(listing: *const gocore_etcd_kv_listing) -> u64 {
    getter(listing, 0, |listing| listing.count)
}

/// Whether the limit cut the answer.
///
/// Ownership: borrows `listing`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_more(listing: *const gocore_etcd_kv_listing) -> bool {
    getter(listing, false, |listing| listing.more)
}

/// The revision of the store when it was read.
///
/// Ownership: borrows `listing`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_revision(listing: *const gocore_etcd_kv_listing) -> i64 {
    getter(listing, 0, |listing| listing.revision)
}

/// Frees a listing and its entries. NULL is allowed.
///
/// Ownership: takes `listing`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_listing_free(listing: *mut gocore_etcd_kv_listing) {
    out::free(listing);
}
