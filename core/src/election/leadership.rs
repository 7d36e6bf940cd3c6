//! A leadership that was won: what its holder may believe, says to others, and gives back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Leader, Observation, check_identity};
use crate::client::Client;
use crate::contender::Owner;
use crate::error::{Error, ErrorKind, Result};
use crate::kv::PutOptions;
use crate::time::Deadline;
use crate::txn::Guard;

/// A leadership. It lives until it is resigned, dropped or lost, however it was waited for.
///
/// Dropping it resigns in the background. It keeps its client alive; closing the client resigns.
pub struct Leadership {
    owner: Owner,
    identity: Mutex<Arc<str>>,
    /// The mod revision of our key as it was seen last. Held while proclaiming: one at a time.
    proclaimed: tokio::sync::Mutex<i64>,
    client: Client,
}

impl Leadership {
    pub(super) fn new(client: Client, owner: Owner, identity: &str) -> Self {
        // Should the key have been written again since it was created, the first proclamation learns it.
        let proclaimed = tokio::sync::Mutex::new(owner.token());
        Self { owner, identity: Mutex::new(identity.into()), proclaimed, client }
    }

    /// The full key of the election, `{prefix}/elections/{key}`, without the candidate's part.
    pub fn key(&self) -> &str {
        self.owner.key()
    }

    /// What this leader is known as: what it has proclaimed last, at first what it campaigned with.
    pub fn identity(&self) -> Arc<str> {
        self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The fencing token: strictly increasing over the leaders of this key (until the cluster is restored from a
    /// backup). Give it to systems that can refuse a lower one.
    pub fn token(&self) -> i64 {
        self.owner.token()
    }

    /// Whether this still leads: a wait-free read that compares clocks itself. A process that was stopped for longer
    /// than the TTL sees false in its first read. Once false it stays false.
    pub fn is_leader(&self) -> bool {
        self.owner.is_held()
    }

    /// A future that ends when this leads no longer: lost, or resigned. Any number may wait, in any task.
    ///
    /// Should the machine be suspended, it may end up to a second after the resume; [`Leadership::is_leader`] is exact.
    ///
    /// # Cancel safety
    /// Safe.
    pub fn lost(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.owner.ended()
    }

    /// A future that ends when this leads no longer: true if it was lost, false if it was given back (by
    /// [`Leadership::resign`], by dropping it, by closing the client). For handlers that must not run at an ordinary end.
    ///
    /// # Cancel safety
    /// Safe.
    pub fn loss(&self) -> impl Future<Output = bool> + Send + 'static + use<> {
        self.owner.loss()
    }

    /// The condition that etcd itself checks: true as long as this leads. For
    /// [`Txn::guarded_by`](crate::Txn::guarded_by).
    pub fn guard(&self) -> Guard {
        self.owner.guard()
    }

    /// Writes a key (absolute, as in [`crate::kv`]) if this still leads when it arrives; gives the revision.
    ///
    /// 1 request, 1 proposal.
    ///
    /// # Errors
    /// Lost when it leads no longer, here or in etcd: nothing was written. Otherwise those of a put.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether it was applied.
    pub async fn put(&self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Result<i64> {
        self.put_with(key, value, PutOptions::default()).await
    }

    /// As [`Leadership::put`], under a lease or with a limit of its own.
    ///
    /// # Errors
    /// Those of [`Leadership::put`]; NotFound when there is no such lease.
    ///
    /// # Cancel safety
    /// That of [`Leadership::put`].
    pub async fn put_with(
        &self,
        key: impl Into<Vec<u8>>,
        value: impl Into<Vec<u8>>,
        options: PutOptions,
    ) -> Result<i64> {
        self.owner.put("election.put", key.into(), value.into(), options).await
    }

    /// Changes the identity that others see; leadership and token stay. One at a time, in the order of the calls.
    ///
    /// 1 request, 1 proposal; one more after a proclamation that failed, or when somebody else has written the key.
    ///
    /// # Errors
    /// InvalidArgument for `identity`, as for [`Client::campaign`]. Lost when this leads no longer. Unavailable or
    /// DeadlineExceeded within the client's request timeout when etcd is away; with
    /// [`maybe_applied`](crate::Error::maybe_applied) others may see the new identity already or later, until the next
    /// proclamation settles it: an older one can never overwrite a newer one.
    ///
    /// # Cancel safety
    /// Dropping the future leaves open whether it was applied, until the next proclamation.
    pub async fn proclaim(&self, identity: &str) -> Result<()> {
        let op = "election.proclaim";
        check_identity(op, identity)?;
        self.client.check_open(op)?;
        let deadline = Deadline::after(self.client.door().request_timeout());
        let late = |_| Error::new(ErrorKind::DeadlineExceeded, op).with_key(self.key()).with_detail("an earlier one");
        let mut seen = deadline.limit(self.proclaimed.lock()).await.map_err(late)?;
        self.owner.overwrite(op, identity.as_bytes(), &mut seen, deadline).await?;
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity.into();
        Ok(())
    }

    /// Gives the leadership back; the next candidate has it at once. From the beginning of the call on this leads no
    /// longer. Idempotent: a second call gives the result of the first.
    ///
    /// 1 request, 1 proposal.
    ///
    /// # Errors
    /// Lost when the leadership had been lost before. Unavailable or DeadlineExceeded within the client's request
    /// timeout when etcd is away: then it is given back in the background, and another call waits for that.
    ///
    /// # Cancel safety
    /// Safe: the leadership is given back in the background.
    pub async fn resign(&self) -> Result<()> {
        self.owner.release("election.resign").await
    }

    /// Who leads this key now, whether it is this or another: see [`Client::leader`].
    ///
    /// # Errors
    /// Those of [`Client::leader`].
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn leader(&self) -> Result<Option<Leader>> {
        let op = "election.leader";
        self.client.check_open(op)?;
        self.client.leader_of(op, self.key()).await
    }

    /// Watches who leads this key, also after this leadership: see [`Client::observe`].
    ///
    /// # Errors
    /// Closed.
    pub fn observe(&self) -> Result<Observation> {
        self.client.check_open("election.observe")?;
        Ok(Observation::begin(&self.client, self.key()))
    }

    /// It does not lead from now on; the key is still to be deleted, by resigning or dropping it.
    pub(super) fn give_back(&self) {
        self.owner.give_back();
    }

    /// Whether its holder has given it back, by closing the client at last.
    pub(crate) fn was_given_back(&self) -> bool {
        self.owner.was_given_back()
    }
}

impl From<&Leadership> for Guard {
    fn from(leadership: &Leadership) -> Self {
        leadership.guard()
    }
}

impl fmt::Debug for Leadership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Leadership")
            .field("key", &self.key())
            .field("identity", &self.identity())
            .field("token", &self.token())
            .field("leads", &self.is_leader())
            .finish()
    }
}
