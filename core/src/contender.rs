//! The ordered queue under a prefix: what a lock and an election share.
//!
//! A contender is a key with exactly one segment after the queue's prefix, whoever wrote it; the owner is the one with
//! the lowest create revision. It is the algorithm of etcd's `client/v3/concurrency`, with what makes it safe:
//!
//! - Entering is one transaction, guarded by the session's record, that puts our key and reads who came before.
//! - A waiter watches one key, the newest contender before it, until that incarnation is gone; then one read-only
//!   transaction says that we are still there and whether anybody is left before us. Nobody wins without it. That it is
//!   our turn the member that told of the end may say alone; where it does not, the quorum is asked.
//! - A place in the queue is a value: dropped at any await, it is withdrawn in the background, and where an answer
//!   was lost the fence is raised first ([`crate::session`]), so that nothing lands after it.
//!
//! # Costs
//! Entering: 1 request, 1 proposal (in a warm session). A hand-over: the delete, one event, one read; where somebody leaves
//! who did not own, two reads. Waiting: none, but one read where other writes come between looking ahead and
//! watching. What is not answered within 1.5 s is settled another way: entering by the fence and once more, leaving by
//! deleting once more.

use crate::error::{Error, ErrorKind, Result};
use crate::kv::{Door, KeyValue};
use crate::lease::Ttl;
use crate::range::{Order, Range};
use crate::session::Sessions;
use crate::tasks::Tasks;
use crate::time::Deadline;
use crate::transport::CallKind;
use crate::watch::Watches;

mod owner;
mod place;
mod queue;
mod withdrawal;

pub(crate) use self::owner::Owner;
use self::place::{Entered, Place};

/// What contenders of one client need. Clones are the same.
#[derive(Clone)]
pub(crate) struct Contention {
    door: Door,
    tasks: Tasks,
    sessions: Sessions,
    watches: Watches,
}

/// What one contender wants.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) op: &'static str,
    /// The lock's or election's key, without a trailing slash.
    pub(crate) key: &'a str,
    /// The value of the contender's key: empty, or the candidate's identity.
    pub(crate) value: &'a [u8],
    pub(crate) ttl: Ttl,
    pub(crate) deadline: Deadline,
    /// Is told the place while it waits: how many are before it, as far as it has looked.
    pub(crate) places: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl Contention {
    pub(crate) fn new(door: Door, tasks: Tasks, sessions: Sessions, watches: Watches) -> Self {
        Self { door, tasks, sessions, watches }
    }

    /// Queues and waits for the turn.
    ///
    /// # Cancel safety
    /// Safe at every await: the place in the queue is given up in the background.
    pub(crate) async fn acquire(&self, wanted: Wanted<'_>) -> Result<Owner> {
        self.queue_and_wait(wanted).await.map_err(|error| self.unless_closing(error, wanted))
    }

    async fn queue_and_wait(&self, wanted: Wanted<'_>) -> Result<Owner> {
        let (mut place, entered) = self.enter(wanted).await?;
        let revision = entered.revision;
        place.wait_for_turn(wanted, entered).await?;
        place.own(wanted, revision)
    }

    /// Owns at once or not at all. Disturbs nobody: when somebody is there already it only reads.
    ///
    /// # Cancel safety
    /// As for [`Contention::acquire`].
    pub(crate) async fn try_acquire(&self, wanted: Wanted<'_>) -> Result<Option<Owner>> {
        loop {
            match self.look_and_queue(wanted).await {
                // The revision of the first read was gone by the second. A place that was taken is withdrawn.
                Err(error) if error.kind() == ErrorKind::Compacted && !wanted.deadline.has_passed() => {}
                looked => return looked.map_err(|error| self.unless_closing(error, wanted)),
            }
        }
    }

    /// Who owns it now, with its value; whoever wrote it. 1 request; more only where keys of longer names are in the
    /// way.
    pub(crate) async fn owner(&self, op: &'static str, key: &str) -> Result<Option<KeyValue>> {
        let door = self.door.clone().named(op).until(Deadline::after(self.door.request_timeout()));
        loop {
            match queue::first(&door, &format!("{key}/")).await {
                // The revision of the first read was gone by the second.
                Err(error) if error.kind() == ErrorKind::Compacted => {}
                found => return found.map_err(|error| error.or_key(key)),
            }
        }
    }

    async fn look_and_queue(&self, wanted: Wanted<'_>) -> Result<Option<Owner>> {
        let queue = format!("{}/", wanted.key);
        let door = self.door.clone().named(wanted.op).until(wanted.deadline);
        let first = Range::prefix(queue.as_str()).order(Order::OldestCreated).limit(1).keys_only();
        let found = door.list(first).await.map_err(|error| error.or_key(wanted.key))?.kvs;
        if queue::extreme(&door, &queue, found, 0, i64::MAX, Order::OldestCreated).await?.is_some() {
            return Ok(None);
        }
        let (mut place, entered) = self.enter(wanted).await?;
        let revision = entered.revision;
        if place.is_next(&door, wanted, entered).await? {
            return place.own(wanted, revision).map(Some);
        }
        // Somebody was quicker. Not awaiting the delete would leave a contender behind a "not acquired".
        // A copy that comes late deletes this incarnation or nothing.
        place.leave(&door, CallKind::Repeatable).await.map_err(|error| error.or_key(wanted.key))?;
        Ok(None)
    }

    /// Closing revokes leases and deletes keys: whatever is seen of that, the reason is that the client was closed.
    fn unless_closing(&self, error: Error, wanted: Wanted<'_>) -> Error {
        match self.tasks.is_closing() {
            true => Error::closed(wanted.op).with_key(wanted.key).with_maybe_applied(error.maybe_applied()),
            false => error,
        }
    }

    /// Takes a place in the queue. A session may end in the moment it is joined: then once more, in a new one.
    async fn enter(&self, wanted: Wanted<'_>) -> Result<(Place, Entered)> {
        match self.enter_once(wanted).await {
            Err(error) if error.kind() == ErrorKind::Lost => self.enter_once(wanted).await,
            entered => entered,
        }
    }

    async fn enter_once(&self, wanted: Wanted<'_>) -> Result<(Place, Entered)> {
        let session = self.sessions.join(wanted.ttl, wanted.op, wanted.deadline).await;
        let session = session.map_err(|error| error.or_key(wanted.key))?;
        let mut place = Place::new(self.clone(), wanted.key, session);
        let entered = place.enter(wanted).await?;
        Ok((place, entered))
    }
}
