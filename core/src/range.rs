//! Which keys: one, a prefix, an interval; and how they are read. What is wrong with them is said before anything is sent.

use etcd_client as etcd;

use crate::error::{Error, Result};
use crate::keyspace::prefix_end;

/// Which keys to read or delete, and how to read them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub(crate) key: Vec<u8>,
    pub(crate) end: Vec<u8>,
    limit: u32,
    revision: i64,
    keys_only: bool,
    count_only: bool,
    order: Order,
    max_create_revision: i64,
    serializable: bool,
}

/// In which order a range is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By key, ascending.
    #[default]
    Key,
    /// Oldest creation first.
    OldestCreated,
    /// Newest creation first.
    NewestCreated,
}

impl Range {
    /// This one key.
    pub fn key(key: impl Into<Vec<u8>>) -> Self {
        Self::between(key, Vec::new())
    }

    /// Every key that begins with `prefix`; an empty prefix is every key there is.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let prefix = prefix.into();
        if prefix.is_empty() {
            return Self::between([0], [0]);
        }
        let end = prefix_end(&prefix);
        Self::between(prefix, end)
    }

    /// The keys from `first` up to, and without, `end`. An empty `end` is none, as in etcd: the single key `first`, and not
    /// every key from there on, which is the end `[0]`.
    pub fn between(first: impl Into<Vec<u8>>, end: impl Into<Vec<u8>>) -> Self {
        Self {
            key: first.into(),
            end: end.into(),
            limit: 0,
            revision: 0,
            keys_only: false,
            count_only: false,
            order: Order::Key,
            max_create_revision: 0,
            serializable: false,
        }
    }

    /// At most this many; 0 is no limit. [`crate::kv::Listing::more`] says whether there were more.
    pub fn limit(mut self, limit: u32) -> Self {
        self.limit = limit;
        self
    }

    /// As it was at this revision; 0 is now.
    pub fn at_revision(mut self, revision: i64) -> Self {
        self.revision = revision;
        self
    }

    /// Without the values.
    pub fn keys_only(mut self) -> Self {
        self.keys_only = true;
        self
    }

    /// The number of keys alone.
    pub fn count_only(mut self) -> Self {
        self.count_only = true;
        self
    }

    /// In this order.
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Only keys created at or before this revision.
    pub fn created_until(mut self, revision: i64) -> Self {
        self.max_create_revision = revision;
        self
    }

    /// From what the member that is asked has, without asking the others: as of the revision that the answer names.
    pub(crate) fn serializable(mut self) -> Self {
        self.serializable = true;
        self
    }

    pub(crate) fn revision(&self) -> i64 {
        self.revision
    }

    pub(crate) fn starting_at(mut self, key: Vec<u8>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        check_key(op, &self.key)?;
        if self.revision < 0 {
            return Err(Error::invalid(op, "revision", "must not be negative"));
        }
        let to_the_end = self.end == [0];
        if !self.end.is_empty() && !to_the_end && self.end <= self.key {
            return Err(Error::invalid(op, "end", "must lie after the first key"));
        }
        Ok(())
    }

    pub(crate) fn to_get(&self) -> etcd::GetOptions {
        let mut options = etcd::GetOptions::new().with_limit(i64::from(self.limit)).with_revision(self.revision);
        if !self.end.is_empty() {
            options = options.with_range(self.end.clone());
        }
        if self.keys_only {
            options = options.with_keys_only();
        }
        if self.count_only {
            options = options.with_count_only();
        }
        if self.serializable {
            options = options.with_serializable();
        }
        if self.max_create_revision != 0 {
            options = options.with_max_create_revision(self.max_create_revision);
        }
        match self.order {
            Order::Key => options,
            Order::OldestCreated => options.with_sort(etcd::SortTarget::Create, etcd::SortOrder::Ascend),
            Order::NewestCreated => options.with_sort(etcd::SortTarget::Create, etcd::SortOrder::Descend),
        }
    }

    pub(crate) fn to_delete(&self) -> etcd::DeleteOptions {
        let options = etcd::DeleteOptions::new();
        if self.end.is_empty() { options } else { options.with_range(self.end.clone()) }
    }
}

pub(crate) fn check_key(op: &'static str, key: &[u8]) -> Result<()> {
    if key.is_empty() { Err(Error::invalid(op, "key", "must not be empty")) } else { Ok(()) }
}

pub(crate) fn check_lease(op: &'static str, lease: i64) -> Result<()> {
    if lease < 0 { Err(Error::invalid(op, "lease", "must not be negative")) } else { Ok(()) }
}
