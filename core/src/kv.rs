//! Keys and values: the one door through which everything in this crate reads and writes etcd.
//!
//! Keys are absolute bytes: nothing is prefixed ([`Client::key`](crate::Client::key) builds a key below the prefix).
//!
//! # Costs
//! Each call is one request, but gets that are begun together, as `join_all` and tasks of one moment do, share one: the
//! first goes at once, up to 32 others go along. A read (`get`, `list`, a transaction that only reads) goes through the
//! leader's read index and needs no proposal; `put`, `delete` and a transaction with a write in either branch are one raft
//! proposal each, a transaction also when its conditions refuse it.
//!
//! # Failure
//! Every request ends at its deadline ([`Kv::with_timeout`], else the client's request timeout). What was never sent
//! is sent to another member; reads are repeated; a write that may have been applied is not: its error says
//! [`maybe_applied`](crate::Error::maybe_applied), and reading back decides.
//!
//! # Cancel safety
//! Dropping the future of a read is free of consequences. Dropping that of a write leaves open whether it was applied.

use std::time::Duration;

use etcd_client as etcd;
use etcd_client::proto::PbTxnOpResponse;

use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::range::{Range, check_key, check_lease};
use crate::tasks::Tasks;
use crate::time::Deadline;
use crate::transport::{Call, CallKind, Transport};
use crate::txn::{OpResult, Txn, TxnResult};

mod together;
mod watch;

pub(crate) use self::together::Gets;
pub use self::watch::{Change, KvWatch, WatchUpdate};

/// How many keys are read at once where there may be any number.
const PAGE: u32 = 1000;

/// A key with its value and its history in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Vec<u8>,
    /// The value; empty when only keys were asked for.
    pub value: Vec<u8>,
    /// The revision at which this incarnation of the key was created.
    pub create_revision: i64,
    /// The revision of its last change.
    pub mod_revision: i64,
    /// How often it was put since its creation.
    pub version: i64,
    /// The lease it is under, 0 for none.
    pub lease: i64,
}

/// What a range held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The keys asked for.
    pub kvs: Vec<KeyValue>,
    /// How many keys the range holds, whatever the limit.
    pub count: u64,
    /// Whether the limit cut the answer.
    pub more: bool,
    /// The revision of the store when it was read.
    pub revision: i64,
}

/// How a key is put under the guard of an owner; the default is [`Lock::put`](crate::Lock::put)'s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PutOptions {
    /// The lease that takes the key with it when it ends; 0 is none.
    pub lease: i64,
    /// How long the request may take; None is the client's request timeout.
    pub timeout: Option<Duration>,
}

/// The raw surface: get, list, put, delete, transactions. A handle: cheap to clone, and it keeps its client alive.
#[derive(Clone, Debug)]
pub struct Kv {
    door: Door,
    client: Client,
}

impl Kv {
    pub(crate) fn new(door: Door, client: Client) -> Self {
        Self { door, client }
    }

    /// The same with another limit for each request, instead of the client's request timeout.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.door = self.door.within(Some(timeout));
        self
    }

    /// Reads one key; None when it does not exist. One that is begun while others are under way is sent when its task is run
    /// once more, together with what was begun by then.
    ///
    /// # Errors
    /// InvalidArgument for an empty key; otherwise those of the module's head.
    pub async fn get(&self, key: impl Into<Vec<u8>>) -> Result<Option<KeyValue>> {
        self.client.gets().get(self.door.clone().named("kv.get"), self.client.tasks(), key.into()).await
    }

    /// Reads a range.
    ///
    /// # Errors
    /// InvalidArgument for an empty key or an end before it; Compacted when the revision asked for is gone.
    pub async fn list(&self, range: Range) -> Result<Listing> {
        self.door.clone().named("kv.list").list(range).await
    }

    /// Writes a key and gives the revision of the write.
    ///
    /// # Errors
    /// As in the module's head; look at [`Error::maybe_applied`].
    pub async fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Result<i64> {
        self.put_under(key, value, 0).await
    }

    /// Writes a key under a lease, which takes the key with it when it ends. Gives the revision of the write.
    ///
    /// # Errors
    /// NotFound when there is no such lease.
    pub async fn put_under(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, lease: i64) -> Result<i64> {
        self.door.clone().named("kv.put").put(key.into(), value.into(), lease, CallKind::Write).await
    }

    /// Deletes a key or a range and gives the number of keys deleted.
    ///
    /// # Errors
    /// As in the module's head; look at [`Error::maybe_applied`].
    pub async fn delete(&self, range: impl Into<Range>) -> Result<u64> {
        self.door.clone().named("kv.delete").delete(range.into()).await
    }

    /// Carries out a transaction.
    ///
    /// # Errors
    /// InvalidArgument for a key, a range or a lease that cannot be, before anything is sent; and from the server, which
    /// has done nothing then, for more operations than it takes or a key that is written twice ([`Txn`] has the limits).
    /// Lost when a [guard](Txn::guarded_by) refused it and there was nothing to do otherwise. That other conditions do
    /// not hold is no error: [`TxnResult::succeeded`] is false.
    pub async fn commit(&self, txn: Txn) -> Result<TxnResult> {
        let kind = if txn.writes() { CallKind::Write } else { CallKind::Read };
        let refusal_means_lost = txn.refusal_means_lost();
        let key = txn.first_key().to_vec();
        let result = self.door.clone().named("kv.commit").commit(txn, kind).await?;
        if refusal_means_lost && !result.succeeded {
            let error = Error::new(ErrorKind::Lost, "kv.commit").with_key(key);
            return Err(error.with_detail("the guard's owner holds no longer; nothing was written"));
        }
        Ok(result)
    }
}

impl From<&str> for Range {
    fn from(key: &str) -> Self {
        Range::key(key)
    }
}

impl From<String> for Range {
    fn from(key: String) -> Self {
        Range::key(key)
    }
}

impl From<Vec<u8>> for Range {
    fn from(key: Vec<u8>) -> Self {
        Range::key(key)
    }
}

/// How long a request may take.
#[derive(Clone, Copy, Debug)]
enum Limit {
    /// This long, each.
    Each(Duration),
    /// All of them until then, each at most this long.
    Until(Deadline, Duration),
}

/// The door itself: what [`Kv`] shows to users, and what the capabilities go through, under their own operation's
/// name and deadline. Does not keep the client alive.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    transport: Transport,
    tasks: Tasks,
    limit: Limit,
    op: &'static str,
    /// What gives things back still passes while the client closes.
    passes_closing: bool,
}

impl Door {
    pub(crate) fn new(transport: Transport, tasks: Tasks, request_timeout: Duration) -> Self {
        Self { transport, tasks, limit: Limit::Each(request_timeout), op: "kv", passes_closing: false }
    }

    /// Errors name this operation.
    pub(crate) fn named(mut self, op: &'static str) -> Self {
        self.op = op;
        self
    }

    /// With this limit for each request, if there is one, instead of the client's.
    pub(crate) fn within(mut self, timeout: Option<Duration>) -> Self {
        self.limit = timeout.map_or(self.limit, Limit::Each);
        self
    }

    /// For a call of many requests: all end by `deadline`, each still has the request timeout.
    pub(crate) fn until(mut self, deadline: Deadline) -> Self {
        self.limit = Limit::Until(deadline, self.request_timeout());
        self
    }

    /// For what gives things back.
    pub(crate) fn for_cleanup(mut self) -> Self {
        self.passes_closing = true;
        self
    }

    pub(crate) fn op(&self) -> &'static str {
        self.op
    }

    pub(crate) fn request_timeout(&self) -> Duration {
        match self.limit {
            Limit::Each(timeout) | Limit::Until(_, timeout) => timeout,
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// The deadline of a request that begins now.
    pub(crate) fn deadline(&self) -> Deadline {
        match self.limit {
            Limit::Each(timeout) => Deadline::after(timeout),
            Limit::Until(deadline, timeout) => deadline.min(Deadline::after(timeout)),
        }
    }

    /// Runs a request, or says Closed as soon as the client closes.
    pub(crate) async fn pass<T>(&self, writes: bool, request: impl Future<Output = Result<T>>) -> Result<T> {
        if self.passes_closing {
            return request.await;
        }
        if self.tasks.is_closing() {
            return Err(Error::closed(self.op));
        }
        tokio::select! {
            biased;
            // What fails while the client closes fails because of it.
            result = request => result.map_err(|error| match self.tasks.is_closing() {
                true => Error::closed(self.op).with_maybe_applied(error.maybe_applied()),
                false => error,
            }),
            () = self.tasks.closing() => Err(Error::closed(self.op).with_maybe_applied(writes)),
        }
    }

    pub(crate) async fn get(&self, key: Vec<u8>) -> Result<Option<KeyValue>> {
        Ok(self.list(Range::key(key)).await?.kvs.pop())
    }

    pub(crate) async fn list(&self, range: Range) -> Result<Listing> {
        range.check(self.op)?;
        let call = Call { op: self.op, key: &range.key, deadline: self.deadline(), kind: CallKind::Read };
        let kv = self.transport.kv();
        let request = self.transport.call(call, || {
            let (mut kv, key, options) = (kv.clone(), range.key.clone(), range.to_get());
            async move { kv.get(key, Some(options)).await }
        });
        let answer = self.pass(false, request).await?.0;
        let revision = self.revision_of(answer.header.as_ref().map(|header| header.revision))?;
        Ok(Listing {
            kvs: answer.kvs.into_iter().map(KeyValue::from).collect(),
            count: u64::try_from(answer.count).unwrap_or(0),
            more: answer.more,
            revision,
        })
    }

    /// A range of any size, page by page at one revision: the range's own, else that of the first page.
    pub(crate) async fn list_all(&self, range: Range) -> Result<Listing> {
        let mut all = self.list(range.clone().limit(PAGE)).await?;
        if range.revision() != 0 {
            // The answer's header tells the store's own revision.
            all.revision = range.revision();
        }
        while all.more
            && let Some(last) = all.kvs.last()
        {
            let next = [last.key.as_slice(), &[0]].concat();
            let page = self.list(range.clone().starting_at(next.clone()).limit(PAGE).at_revision(all.revision)).await?;
            // A server that does not move on would have us read for ever.
            if page.kvs.first().is_none_or(|kv| kv.key < next) {
                return Err(self.malformed("a page that does not follow the one before"));
            }
            all.more = page.more;
            all.kvs.extend(page.kvs);
        }
        Ok(all)
    }

    pub(crate) async fn put(&self, key: Vec<u8>, value: Vec<u8>, lease: i64, kind: CallKind) -> Result<i64> {
        check_key(self.op, &key)?;
        check_lease(self.op, lease)?;
        let call = Call { op: self.op, key: &key, deadline: self.deadline(), kind };
        let kv = self.transport.kv();
        let request = self.transport.call(call, || {
            let (mut kv, key, value) = (kv.clone(), key.clone(), value.clone());
            async move { kv.put(key, value, Some(etcd::PutOptions::new().with_lease(lease))).await }
        });
        let answer = self.pass(true, request).await?.0;
        // It was carried out, whatever the answer is worth.
        let revision = self.revision_of(answer.header.as_ref().map(|header| header.revision));
        revision.map_err(|error| error.with_maybe_applied(true))
    }

    pub(crate) async fn delete(&self, range: Range) -> Result<u64> {
        range.check(self.op)?;
        let call = Call { op: self.op, key: &range.key, deadline: self.deadline(), kind: CallKind::Write };
        let kv = self.transport.kv();
        let request = self.transport.call(call, || {
            let (mut kv, key, options) = (kv.clone(), range.key.clone(), range.to_delete());
            async move { kv.delete(key, Some(options)).await }
        });
        let answer = self.pass(true, request).await?.0;
        Ok(u64::try_from(answer.deleted).unwrap_or(0))
    }

    /// `kind` is the caller's knowledge: only it can tell whether the plan may be sent twice.
    pub(crate) async fn commit(&self, txn: Txn, kind: CallKind) -> Result<TxnResult> {
        txn.check(self.op)?;
        let writes = txn.writes();
        let key = txn.first_key().to_vec();
        let (then, otherwise) = txn.branches();
        let call = Call { op: self.op, key: &key, deadline: self.deadline(), kind };
        let kv = self.transport.kv();
        let plan = txn.into_etcd();
        let request = self.transport.call(call, || {
            let (mut kv, plan) = (kv.clone(), plan.clone());
            async move { kv.txn(plan).await }
        });
        let answer = self.pass(writes, request).await?.0;
        // It was carried out, whatever the answer is worth.
        let result = self.read_txn(answer, 0).map_err(|error| error.with_maybe_applied(writes))?;
        // Who asked what is there must not take a missing answer for "nothing".
        if result.results.len() != if result.succeeded { then } else { otherwise } {
            return Err(self.malformed("an answer to more or fewer operations").with_maybe_applied(writes));
        }
        Ok(result)
    }

    fn read_txn(&self, answer: etcd::proto::PbTxnResponse, depth: usize) -> Result<TxnResult> {
        // Only the outermost answer needs a header; and no honest answer is nested deeper than its request.
        const DEEPEST: usize = 32;
        let revision = match answer.header {
            Some(header) => header.revision,
            None if depth > 0 => 0,
            None => self.revision_of(None)?,
        };
        if depth > DEEPEST {
            return Err(self.malformed("an answer nested too deep"));
        }
        let mut results = Vec::with_capacity(answer.responses.len());
        for response in answer.responses {
            results.push(match response.response {
                Some(PbTxnOpResponse::ResponsePut(_)) => OpResult::Put,
                Some(PbTxnOpResponse::ResponseRange(range)) => {
                    OpResult::Get(range.kvs.into_iter().map(KeyValue::from).collect())
                }
                Some(PbTxnOpResponse::ResponseDeleteRange(delete)) => {
                    OpResult::Delete(u64::try_from(delete.deleted).unwrap_or(0))
                }
                Some(PbTxnOpResponse::ResponseTxn(inner)) => OpResult::Txn(self.read_txn(inner, depth + 1)?),
                None => return Err(self.malformed("an operation without an answer")),
            });
        }
        Ok(TxnResult { succeeded: answer.succeeded, revision, results })
    }

    fn revision_of(&self, revision: Option<i64>) -> Result<i64> {
        revision.ok_or_else(|| self.malformed("an answer without a header"))
    }

    fn malformed(&self, what: &str) -> Error {
        Error::new(ErrorKind::Malformed, self.op).with_detail(format!("the server sent {what}"))
    }
}

impl From<etcd::proto::PbKeyValue> for KeyValue {
    fn from(kv: etcd::proto::PbKeyValue) -> Self {
        Self {
            key: kv.key,
            value: kv.value,
            create_revision: kv.create_revision,
            mod_revision: kv.mod_revision,
            version: kv.version,
            lease: kv.lease,
        }
    }
}
