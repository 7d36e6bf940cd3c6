//! The plan of a transaction: compares, and puts, gets, deletes for either case.
//!
//! Plain values without I/O. What is wrong with them is said before anything is sent; see [`crate::kv::Kv`] for how
//! they are carried out and what they cost.

use etcd_client as etcd;

use crate::error::Result;
use crate::kv::KeyValue;
use crate::range::{Range, check_key, check_lease};

/// How a compare judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cmp {
    /// Equal to.
    Equal,
    /// Not equal to.
    NotEqual,
    /// Greater than.
    Greater,
    /// Less than.
    Less,
}

#[derive(Clone, Debug)]
enum Target {
    CreateRevision(i64),
    ModRevision(i64),
    Version(i64),
    Lease(i64),
    Value(Vec<u8>),
}

/// One condition of a transaction. A key that does not exist has revision, version and lease 0.
#[derive(Clone, Debug)]
pub struct Compare {
    key: Vec<u8>,
    end: Vec<u8>,
    cmp: Cmp,
    target: Target,
}

impl Compare {
    fn new(key: impl Into<Vec<u8>>, cmp: Cmp, target: Target) -> Self {
        Self { key: key.into(), end: Vec::new(), cmp, target }
    }

    /// The key does not exist.
    pub fn absent(key: impl Into<Vec<u8>>) -> Self {
        Self::create_revision(key, Cmp::Equal, 0)
    }

    /// On the revision at which this incarnation of the key was created.
    pub fn create_revision(key: impl Into<Vec<u8>>, cmp: Cmp, revision: i64) -> Self {
        Self::new(key, cmp, Target::CreateRevision(revision))
    }

    /// On the revision of the last change of the key.
    pub fn mod_revision(key: impl Into<Vec<u8>>, cmp: Cmp, revision: i64) -> Self {
        Self::new(key, cmp, Target::ModRevision(revision))
    }

    /// On how often the key was put since its creation.
    pub fn version(key: impl Into<Vec<u8>>, cmp: Cmp, version: i64) -> Self {
        Self::new(key, cmp, Target::Version(version))
    }

    /// On the lease the key is under.
    pub fn lease(key: impl Into<Vec<u8>>, cmp: Cmp, lease: i64) -> Self {
        Self::new(key, cmp, Target::Lease(lease))
    }

    /// On the value.
    pub fn value(key: impl Into<Vec<u8>>, cmp: Cmp, value: impl Into<Vec<u8>>) -> Self {
        Self::new(key, cmp, Target::Value(value.into()))
    }

    /// For every key from the given one up to, and without, `end`. etcd judges a range without keys as one key that does
    /// not exist: its revisions, version and lease are 0, and a compare of the value fails.
    pub fn until(mut self, end: impl Into<Vec<u8>>) -> Self {
        self.end = end.into();
        self
    }

    fn into_etcd(self) -> etcd::Compare {
        let cmp = match self.cmp {
            Cmp::Equal => etcd::CompareOp::Equal,
            Cmp::NotEqual => etcd::CompareOp::NotEqual,
            Cmp::Greater => etcd::CompareOp::Greater,
            Cmp::Less => etcd::CompareOp::Less,
        };
        let compare = match self.target {
            Target::CreateRevision(revision) => etcd::Compare::create_revision(self.key, cmp, revision),
            Target::ModRevision(revision) => etcd::Compare::mod_revision(self.key, cmp, revision),
            Target::Version(version) => etcd::Compare::version(self.key, cmp, version),
            Target::Lease(lease) => etcd::Compare::lease(self.key, cmp, lease),
            Target::Value(value) => etcd::Compare::value(self.key, cmp, value),
        };
        if self.end.is_empty() { compare } else { compare.with_range(self.end) }
    }
}

/// One operation inside a transaction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Op {
    /// Write a key; under a lease when that is not 0.
    Put {
        /// The key.
        key: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
        /// The lease that takes the key with it, 0 for none.
        lease: i64,
    },
    /// Read.
    Get(Range),
    /// Delete.
    Delete(Range),
    /// A transaction within the transaction. Its failing compares do not stop the outer one.
    Txn(Txn),
}

impl Op {
    /// Write a key without a lease.
    pub fn put(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        Self::put_under(key, value, 0)
    }

    /// Write a key under a lease.
    pub fn put_under(key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, lease: i64) -> Self {
        Self::Put { key: key.into(), value: value.into(), lease }
    }

    /// Delete one key.
    pub fn delete(key: impl Into<Vec<u8>>) -> Self {
        Self::Delete(Range::key(key))
    }

    /// Read one key.
    pub fn get(key: impl Into<Vec<u8>>) -> Self {
        Self::Get(Range::key(key))
    }

    fn into_etcd(self) -> etcd::TxnOp {
        match self {
            Op::Put { key, value, lease } => {
                etcd::TxnOp::put(key, value, Some(etcd::PutOptions::new().with_lease(lease)))
            }
            Op::Get(range) => etcd::TxnOp::get(range.key.clone(), Some(range.to_get())),
            Op::Delete(range) => etcd::TxnOp::delete(range.key.clone(), Some(range.to_delete())),
            Op::Txn(txn) => etcd::TxnOp::txn(txn.into_etcd()),
        }
    }

    fn check(&self, op: &'static str) -> Result<()> {
        match self {
            Op::Put { key, lease, .. } => check_key(op, key).and_then(|()| check_lease(op, *lease)),
            Op::Get(range) | Op::Delete(range) => range.check(op),
            Op::Txn(txn) => txn.check(op),
        }
    }

    fn writes(&self) -> bool {
        match self {
            Op::Put { .. } | Op::Delete(_) => true,
            Op::Get(_) => false,
            Op::Txn(txn) => txn.writes(),
        }
    }
}

/// If all compares hold, these operations, otherwise those; atomically, in one revision.
///
/// What it may hold is for the server to judge, as its limits are its own: at most 128 operations in one list unless it is
/// configured otherwise (nested transactions hold more: 128 in all along each path), and no key written twice, inner
/// transactions included, else committing it is an InvalidArgument; at most 1.5 MiB in all, else ResourceExhausted.
/// Nothing is done then.
///
/// ```
/// use gocore_etcd_core::{Compare, Op, Txn};
///
/// let create_once = Txn::new()
///     .when(Compare::absent("/apps/x/owner"))
///     .then(Op::put("/apps/x/owner", "me"))
///     .otherwise(Op::get("/apps/x/owner"));
/// # let _ = create_once;
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a plan does nothing until Kv::commit carries it out"]
pub struct Txn {
    compares: Vec<Compare>,
    then: Vec<Op>,
    otherwise: Vec<Op>,
    guards: usize,
}

impl Txn {
    /// An empty plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition; all must hold.
    pub fn when(mut self, compare: Compare) -> Self {
        self.compares.push(compare);
        self
    }

    /// Adds the condition that the owner of `guard` still holds. Where guards are the only conditions, and there is
    /// nothing to do [`otherwise`](Txn::otherwise), a refusal is an error: [`crate::ErrorKind::Lost`].
    pub fn guarded_by(mut self, guard: impl Into<Guard>) -> Self {
        self.compares.push(guard.into().0);
        self.guards += 1;
        self
    }

    /// Adds an operation for when all conditions hold.
    pub fn then(mut self, op: Op) -> Self {
        self.then.push(op);
        self
    }

    /// Adds an operation for when a condition does not hold.
    pub fn otherwise(mut self, op: Op) -> Self {
        self.otherwise.push(op);
        self
    }

    /// Whether a refusal of this plan means that the owner of its guard holds no longer.
    pub(crate) fn refusal_means_lost(&self) -> bool {
        self.guards > 0 && self.guards == self.compares.len() && self.otherwise.is_empty()
    }

    /// How many operations there are when all conditions hold, and otherwise.
    pub(crate) fn branches(&self) -> (usize, usize) {
        (self.then.len(), self.otherwise.len())
    }

    /// Whether etcd puts it through raft.
    pub(crate) fn writes(&self) -> bool {
        self.then.iter().chain(&self.otherwise).any(Op::writes)
    }

    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        for compare in &self.compares {
            check_key(op, &compare.key)?;
        }
        self.then.iter().chain(&self.otherwise).try_for_each(|each| each.check(op))
    }

    /// A key for an error's text.
    pub(crate) fn first_key(&self) -> &[u8] {
        match self.then.first() {
            Some(Op::Put { key, .. }) => key,
            Some(Op::Get(range) | Op::Delete(range)) => &range.key,
            Some(Op::Txn(txn)) => txn.first_key(),
            None => self.compares.first().map_or(&[], |compare| &compare.key),
        }
    }

    pub(crate) fn into_etcd(self) -> etcd::Txn {
        let compares: Vec<_> = self.compares.into_iter().map(Compare::into_etcd).collect();
        let then: Vec<_> = self.then.into_iter().map(Op::into_etcd).collect();
        let otherwise: Vec<_> = self.otherwise.into_iter().map(Op::into_etcd).collect();
        // etcd-client refuses an empty list as a set one, so only what is there is given.
        let mut txn = etcd::Txn::new();
        if !compares.is_empty() {
            txn = txn.when(compares);
        }
        if !then.is_empty() {
            txn = txn.and_then(then);
        }
        if !otherwise.is_empty() {
            txn = txn.or_else(otherwise);
        }
        txn
    }
}

/// The fencing condition of a held lock or leadership: true in etcd for as long as this owner holds.
#[derive(Clone, Debug)]
pub struct Guard(pub(crate) Compare);

/// What a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxnResult {
    /// Whether all conditions held.
    pub succeeded: bool,
    /// The revision it was carried out at.
    pub revision: i64,
    /// One result for each operation, in order.
    pub results: Vec<OpResult>,
}

/// What one operation of a transaction did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpResult {
    /// It was put.
    Put,
    /// What was read.
    Get(Vec<KeyValue>),
    /// How many keys were deleted.
    Delete(u64),
    /// The inner transaction.
    Txn(TxnResult),
}

impl OpResult {
    /// What a `Get` read; nothing for any other operation.
    pub fn into_kvs(self) -> Vec<KeyValue> {
        match self {
            OpResult::Get(kvs) => kvs,
            _ => Vec::new(),
        }
    }
}
