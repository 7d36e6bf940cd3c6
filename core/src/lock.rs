//! A distributed lock: one owner at a time, in order of arrival, with a fencing token.
//!
//! # What is promised
//! While clocks run at the same rate within the margin and the server keeps its leases (no revoke, delete or restore
//! by hand; servers with the lease fixes: 3.4.38, 3.5.23, 3.6.5 or newer), a lock is lost here before the server can
//! give it to the next. Beyond that the fencing token protects: writes to etcd under a [`Guard`] always, other systems
//! where they check [`Lock::token`].
//!
//! Programs that use the Go package `go-core/etcd` contend for the same locks. Do not take a shorter name (`jobs`)
//! while holding a longer one (`jobs/1`): a Go program may wait on `jobs` for every key below it.
//!
//! # Costs
//! `lock` + `unlock` in a warm session (another lock of the same TTL was held within the last TTL): 2 requests,
//! 2 proposals. `try_lock` of a held lock: 1 request, 0 proposals; of a free one 2 and 1. A waiter sends nothing while
//! it waits; N waiters and one release wake one waiter.

use std::fmt;
use std::time::Duration;

use crate::client::Client;
use crate::contender::{Owner, Wanted};
use crate::error::Result;
use crate::keyspace;
use crate::kv::PutOptions;
use crate::lease::Ttl;
use crate::time::Deadline;
use crate::txn::Guard;

/// The TTL of a lock that names none: long enough for a network to recover, short enough to wait for.
pub const DEFAULT_LOCK_TTL: Duration = Duration::from_secs(30);

impl Client {
    /// Waits for the lock `key` and takes it. Order of arrival; each waiter watches one predecessor.
    ///
    /// - `key`: below the client's prefix; surrounding slashes are trimmed, inner ones kept. `jobs` and `jobs/1` are
    ///   two locks. Refused when, so trimmed, it is empty or blank (nothing but spaces and slashes), has a NUL, or is
    ///   longer than 1 KiB.
    /// - `ttl`: how long after the death of this process, or the loss of its network, the next may have it. Zero is
    ///   [`DEFAULT_LOCK_TTL`]; below 1 s is raised to 1 s, fractions are rounded up; what the server grants counts.
    ///
    /// Waits without limit for others; each single request has the client's request timeout. Two tasks of one client
    /// exclude each other like two machines do.
    ///
    /// # Errors
    /// InvalidArgument for `key` or `ttl`, before anything is sent. Lost when the session died while waiting: the
    /// place in the queue is gone, call again. Unavailable, DeadlineExceeded when etcd is away: for the requests by
    /// which it queues; once queued it waits on, as long as the session lives. PermissionDenied, Unauthenticated,
    /// ResourceExhausted (a full store) as etcd says. Closed.
    ///
    /// # Cancel safety
    /// Safe at every await: dropping the future (`tokio::time::timeout`, `select!`) leaves the queue in the background;
    /// no contender outlives its session.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// let lock = client.lock("jobs/cleanup", Duration::from_secs(10)).await?;
    /// // Refused by etcd should somebody else own the lock by the time it arrives:
    /// lock.put(client.key(["cleanup", "last-run"]), "now").await?;
    /// lock.unlock().await
    /// # }
    /// ```
    pub async fn lock(&self, key: &str, ttl: Duration) -> Result<Lock> {
        self.locking(key, ttl)?.await
    }

    /// The same in two steps: what can be refused without asking etcd is refused now, all else is the future's.
    pub(crate) fn locking(
        &self,
        key: &str,
        ttl: Duration,
    ) -> Result<impl Future<Output = Result<Lock>> + Send + 'static + use<>> {
        let op = "lock.acquire";
        let (key, ttl) = self.lock_arguments(op, key, ttl)?;
        let client = self.clone();
        // In a box: it is large, and is moved about by whoever waits for it.
        Ok(Box::pin(async move {
            let wanted = Wanted { op, key: &key, value: b"", ttl, deadline: Deadline::NEVER, places: None };
            let owner = client.contention().acquire(wanted).await?;
            Ok(Lock { owner, _client: client })
        }))
    }

    /// Takes the lock `key` if nobody holds it or waits for it, else gives None. Never disturbs a waiter.
    ///
    /// The arguments are those of [`Client::lock`]. It waits for nobody: all of it has the client's request timeout.
    ///
    /// # Errors
    /// InvalidArgument for `key` or `ttl`, before anything is sent. Unavailable, DeadlineExceeded when etcd is away.
    /// PermissionDenied, Unauthenticated, ResourceExhausted (a full store) as etcd says. Lost when two sessions in a row
    /// died while it entered the queue: call again. Closed. Whatever may have been put by then is taken back in the
    /// background.
    ///
    /// # Cancel safety
    /// As for [`Client::lock`].
    pub async fn try_lock(&self, key: &str, ttl: Duration) -> Result<Option<Lock>> {
        let op = "lock.try_acquire";
        let (key, ttl) = self.lock_arguments(op, key, ttl)?;
        let deadline = Deadline::after(self.door().request_timeout());
        let wanted = Wanted { op, key: &key, value: b"", ttl, deadline, places: None };
        let owner = self.contention().try_acquire(wanted).await?;
        Ok(owner.map(|owner| Lock { owner, _client: self.clone() }))
    }

    fn lock_arguments(&self, op: &'static str, key: &str, ttl: Duration) -> Result<(String, Ttl)> {
        let name = keyspace::name(op, "key", key)?;
        let ttl = Ttl::new(op, ttl, DEFAULT_LOCK_TTL)?;
        self.check_open(op)?;
        Ok((self.keyspace().lock(name), ttl))
    }
}

/// A held lock. It lives until it is unlocked, dropped or lost, however it was waited for.
///
/// Dropping it releases it in the background. It keeps its client alive; closing the client gives it back.
pub struct Lock {
    owner: Owner,
    /// Kept alive.
    _client: Client,
}

impl Lock {
    /// The full key of the lock, `{prefix}/locks/{key}`, without the contender's part.
    pub fn key(&self) -> &str {
        self.owner.key()
    }

    /// The fencing token: strictly increasing over the owners of this lock (until the cluster is restored from a
    /// backup). Give it to systems that can refuse a lower one.
    pub fn token(&self) -> i64 {
        self.owner.token()
    }

    /// Whether the lock is held: a wait-free read that compares clocks itself. A process that was stopped for longer
    /// than the TTL sees false in its first read. Once false it stays false.
    pub fn is_held(&self) -> bool {
        self.owner.is_held()
    }

    /// A future that ends when the lock is held no longer: lost, or given back. Any number may wait, in any task.
    ///
    /// Should the machine be suspended, it may end up to a second after the resume; [`Lock::is_held`] is exact.
    ///
    /// # Cancel safety
    /// Safe.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.owner.ended()
    }

    /// A future that ends when the lock is held no longer: true if it was lost, false if it was given back (by
    /// [`Lock::unlock`], by dropping it, by closing the client). For handlers that must not run at an ordinary end.
    ///
    /// # Cancel safety
    /// Safe.
    pub fn loss(&self) -> impl Future<Output = bool> + Send + 'static + use<> {
        self.owner.loss()
    }

    /// The condition that etcd itself checks: true as long as this owner holds. For
    /// [`Txn::guarded_by`](crate::Txn::guarded_by).
    pub fn guard(&self) -> Guard {
        self.owner.guard()
    }

    /// Writes a key (absolute, as in [`crate::kv`]) if the lock is still held when it arrives; gives the revision.
    ///
    /// 1 request, 1 proposal.
    ///
    /// # Errors
    /// Lost when it is not held, here or in etcd: nothing was written. Otherwise those of a put.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether it was applied.
    pub async fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Result<i64> {
        self.put_with(key, value, PutOptions::default()).await
    }

    /// As [`Lock::put`], under a lease or with a limit of its own.
    ///
    /// # Errors
    /// Those of [`Lock::put`]; NotFound when there is no such lease.
    ///
    /// # Cancel safety
    /// That of [`Lock::put`].
    pub async fn put_with(
        &self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        options: PutOptions,
    ) -> Result<i64> {
        self.owner.put("lock.put", key.into(), value.into(), options).await
    }

    /// Gives the lock back. From the beginning of the call on it is not held. Idempotent: a second call gives the
    /// result of the first.
    ///
    /// 1 request, 1 proposal.
    ///
    /// # Errors
    /// Lost when the lock had been lost before. Unavailable or DeadlineExceeded within the client's request timeout
    /// when etcd is away: then it is given back in the background, and another call waits for that.
    ///
    /// # Cancel safety
    /// Safe: the lock is given back in the background.
    pub async fn unlock(&self) -> Result<()> {
        self.owner.release("lock.unlock").await
    }
}

impl From<&Lock> for Guard {
    fn from(lock: &Lock) -> Self {
        lock.guard()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lock")
            .field("key", &self.key())
            .field("token", &self.token())
            .field("held", &self.is_held())
            .finish()
    }
}
