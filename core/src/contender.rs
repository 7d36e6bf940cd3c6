//! The ordered queue under a prefix: what a lock and an election share.
//!
//! A contender is a key with exactly one segment after the queue's prefix, whoever wrote it; the owner is the one with
//! the lowest create revision. It is the algorithm of etcd's `client/v3/concurrency`, with what makes it safe:
//!
//! - Entering is one transaction, guarded by the session's record, that puts our key and reads the owner.
//! - A waiter watches one key, the newest contender before it, until that incarnation is gone; then one read-only
//!   transaction says that we are still there and whether anybody is left before us. Nobody wins without it.
//! - A place in the queue is a value: dropped at any await, it is withdrawn in the background, and where an answer
//!   was lost the fence is raised first ([`crate::session`]), so that nothing lands after it.
//!
//! # Costs
//! Entering: 1 request, 1 proposal (in a warm session). A hand-over: the delete, one event, one read. Waiting: none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::only_segment;
use crate::kv::{Door, KeyValue, Listing};
use crate::lease::{CLOSED, Lease, Ttl};
use crate::session::{Name, Session, Sessions};
use crate::tasks::Tasks;
use crate::time::{BootTime, Deadline, jittered};
use crate::transport::CallKind;
use crate::txn::{Cmp, Compare, Guard, Op, OpResult, Order, Range, Txn};
use crate::watch::Watches;

/// What is held for less than this is not worth a watch on its own key.
const MOMENT: Duration = Duration::from_millis(20);

/// How many keys are read at once where foreign keys lie between the contenders.
const PAGE: u32 = 1000;

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
        let mut place = self.place(wanted).await?;
        let entered = place.enter(wanted).await?;
        if !entered.is_first {
            place.wait_for_turn(wanted, entered.revision).await?;
        }
        place.own(wanted, entered.revision)
    }

    /// Owns at once or not at all. Disturbs nobody: when somebody is there already it only reads.
    ///
    /// # Cancel safety
    /// As for [`Contention::acquire`].
    pub(crate) async fn try_acquire(&self, wanted: Wanted<'_>) -> Result<Option<Owner>> {
        let queue = format!("{}/", wanted.key);
        let door = self.door.clone().named(wanted.op).until(wanted.deadline);
        let first = Range::prefix(queue.as_str()).order(Order::OldestCreated).limit(1).keys_only();
        let Listing { kvs, revision, .. } = door.list(first).await.map_err(|error| error.or_key(wanted.key))?;
        if extreme(&door, &queue, kvs, revision, i64::MAX, Order::OldestCreated).await?.is_some() {
            return Ok(None);
        }
        let mut place = self.place(wanted).await?;
        let entered = place.enter(wanted).await?;
        if entered.is_first {
            return place.own(wanted, entered.revision).map(Some);
        }
        // Somebody was quicker. Not awaiting the delete would leave a contender behind a "not acquired".
        place.leave(&door).await.map_err(|error| error.or_key(wanted.key))?;
        Ok(None)
    }

    async fn place(&self, wanted: Wanted<'_>) -> Result<Place> {
        let session = self.sessions.join(wanted.ttl, wanted.op, wanted.deadline).await;
        let session = session.map_err(|error| error.or_key(wanted.key))?;
        let queue = format!("{}/", wanted.key);
        let name = session.claim_name(&queue);
        let key = name.key();
        Ok(Place { contention: self.clone(), queue, key, presence: Presence::Absent, held: Some((session, name)) })
    }
}

/// What etcd may hold of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Its key is not there and will not come.
    Absent,
    /// A transaction that puts it was sent and not answered.
    Unknown,
    /// It was created at this revision.
    At(i64),
}

/// A place in a queue, from before the key is put until it is known to be gone. Dropped earlier it is withdrawn.
struct Place {
    contention: Contention,
    /// The queue's prefix, with its trailing slash.
    queue: String,
    key: String,
    presence: Presence,
    /// Taken by the withdrawal alone.
    held: Option<(Session, Name)>,
}

struct Entered {
    revision: i64,
    is_first: bool,
}

impl Place {
    fn session(&self) -> Result<&Session> {
        // Only a drop takes it out.
        let missing = || Error::new(ErrorKind::Internal, "contender").with_detail("a place without a session");
        self.held.as_ref().map(|(session, _)| session).ok_or_else(missing)
    }

    /// Puts the key, or finds it put by an attempt whose answer was lost.
    async fn enter(&mut self, wanted: Wanted<'_>) -> Result<Entered> {
        let door = self.contention.door.clone().named(wanted.op).until(wanted.deadline);
        let owner = Range::prefix(self.queue.as_str()).order(Order::OldestCreated).limit(1).keys_only();
        loop {
            let session = self.session()?;
            let (fence, lease) = (session.fence(), session.lease().id());
            let record = session.record().to_owned();
            if !session.lease().is_held() {
                return Err(session.lost(wanted.op, wanted.key));
            }
            let txn = Txn::new()
                .when(Compare::mod_revision(record.as_str(), Cmp::Equal, fence))
                .when(Compare::absent(self.key.as_str()))
                .then(Op::put_under(self.key.as_str(), wanted.value, lease))
                .then(Op::Get(owner.clone()))
                .otherwise(Op::Get(Range::key(self.key.as_str()).keys_only()))
                .otherwise(Op::Get(owner.clone()))
                .otherwise(Op::Get(Range::key(record.as_str()).keys_only()));
            let before = std::mem::replace(&mut self.presence, Presence::Unknown);
            let result = match door.commit(txn, CallKind::Write).await {
                Ok(result) => result,
                Err(error) if error.maybe_applied() && error.kind() != ErrorKind::Closed => {
                    tracing::debug!(%error, key = self.key, "the answer was lost: raising the fence");
                    let session = self.session()?;
                    let raised = session.raise_fence(wanted.deadline).await;
                    raised.map_err(|error| self.fence_failed(error, wanted))?;
                    // Nothing older can land any more; the next turn sees what did.
                    continue;
                }
                Err(error) => {
                    self.presence = if error.maybe_applied() { Presence::Unknown } else { before };
                    return Err(error.or_key(wanted.key));
                }
            };
            let mut results = result.results.into_iter().map(OpResult::into_kvs);
            let (first, second, third) = (results.next(), results.next(), results.next());
            let owner = second.unwrap_or_default();
            let revision = if result.succeeded {
                result.revision
            } else {
                let (mine, record) = (first.and_then(|mut kvs| kvs.pop()), third.and_then(|mut kvs| kvs.pop()));
                let Some(record) = record else {
                    let session = self.session()?;
                    session.lease().lose("its record is gone");
                    self.presence = Presence::Absent;
                    return Err(self.session()?.lost(wanted.op, wanted.key));
                };
                match mine {
                    // Ours only under our lease: anybody may write a key of that name.
                    Some(mine) if mine.lease == lease && record.mod_revision == fence => mine.create_revision,
                    Some(mine) if mine.lease != lease => {
                        self.presence = Presence::Absent;
                        self.take_another_name()?;
                        continue;
                    }
                    // The fence was raised by another contender of this session: again, with the new one.
                    _ => {
                        self.session()?.saw_fence(record.mod_revision);
                        continue;
                    }
                }
            };
            self.presence = Presence::At(revision);
            let first = extreme(&door, &self.queue, owner, result.revision, i64::MAX, Order::OldestCreated).await;
            let first = first.map_err(|error| error.or_key(wanted.key))?;
            let is_first = first.is_none_or(|owner| owner.create_revision >= revision);
            return Ok(Entered { revision, is_first });
        }
    }

    fn fence_failed(&self, error: Error, wanted: Wanted<'_>) -> Error {
        match (error.kind(), self.session()) {
            (ErrorKind::NotFound, Ok(session)) => {
                session.lease().lose("the server does not know the lease");
                session.lost(wanted.op, wanted.key)
            }
            // The place is withdrawn when it is dropped, so in the end nothing will have been applied; but not yet.
            _ => error.with_op(wanted.op).with_key(wanted.key).with_maybe_applied(true),
        }
    }

    /// Somebody wrote a key of our name that is not under our lease. The name stays taken until the session ends.
    fn take_another_name(&mut self) -> Result<()> {
        if let Some((session, name)) = &mut self.held {
            let another = session.claim_name(&self.queue);
            std::mem::replace(name, another).keep();
            self.key = name.key();
        }
        Ok(())
    }

    /// Waits until nobody who came earlier is left.
    async fn wait_for_turn(&mut self, wanted: Wanted<'_>, mine: i64) -> Result<()> {
        let door = self.contention.door.clone().named(wanted.op).until(wanted.deadline);
        let mut pause = Duration::from_millis(50);
        loop {
            let looked = self.look_ahead(&door, wanted, mine).await;
            let session = self.session()?;
            let predecessor = match looked {
                Ok(Some((predecessor, revision))) => {
                    pause = Duration::from_millis(50);
                    let gone = &self.contention.watches;
                    let gone = gone.gone(&predecessor.key, revision, Some(predecessor.create_revision));
                    tokio::select! {
                        biased;
                        () = self.contention.tasks.closing() => return Err(Error::closed(wanted.op)),
                        () = session.lease().lost() => return Err(session.lost(wanted.op, wanted.key)),
                        () = gone => continue,
                        () = wanted.deadline.passed() => {
                            return Err(Error::new(ErrorKind::DeadlineExceeded, wanted.op).with_key(wanted.key));
                        }
                    }
                }
                Ok(None) => return Ok(()),
                Err(error) => error,
            };
            // The place stays good as long as the session does, whatever one read says.
            let error = predecessor;
            if !error.is_retryable() || wanted.deadline.has_passed() {
                return Err(error.or_key(wanted.key));
            }
            tracing::debug!(%error, key = self.key, "looking ahead in the queue failed, will be tried again");
            tokio::select! {
                () = session.lease().lost() => return Err(session.lost(wanted.op, wanted.key)),
                () = tokio::time::sleep(jittered(pause)) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Says whether we are still in the queue, and who is the next before us, at which revision of the store.
    async fn look_ahead(&self, door: &Door, wanted: Wanted<'_>, mine: i64) -> Result<Option<(KeyValue, i64)>> {
        let newest_before = Range::prefix(self.queue.as_str())
            .order(Order::NewestCreated)
            .created_until(mine.saturating_sub(1))
            .limit(1)
            .keys_only();
        let read = Txn::new().then(Op::Get(Range::key(self.key.as_str()).keys_only())).then(Op::Get(newest_before));
        let result = door.commit(read, CallKind::Read).await?;
        let mut results = result.results.into_iter().map(OpResult::into_kvs);
        let me = results.next().and_then(|mut kvs| kvs.pop());
        if me.is_none_or(|me| me.create_revision != mine) {
            let error = Error::new(ErrorKind::Lost, wanted.op).with_key(wanted.key);
            return Err(error.with_detail("our place in the queue is gone"));
        }
        let before = results.next().unwrap_or_default();
        let before = extreme(door, &self.queue, before, result.revision, mine - 1, Order::NewestCreated).await?;
        Ok(before.map(|before| (before, result.revision)))
    }

    /// Deletes our key if it is still ours. True when it was there.
    async fn leave(&mut self, door: &Door) -> Result<bool> {
        let Presence::At(revision) = self.presence else { return Ok(false) };
        let result = door.commit(delete_if_created_at(&self.key, revision), CallKind::Write).await?;
        self.presence = Presence::Absent;
        Ok(result.succeeded)
    }

    /// The turn has come; whoever does not hold by now has lost.
    fn own(self, wanted: Wanted<'_>, revision: i64) -> Result<Owner> {
        let session = self.session()?;
        let lease = session.lease().clone();
        if !lease.is_held() {
            return Err(session.lost(wanted.op, wanted.key));
        }
        Ok(Owner::new(self, wanted.key, revision, lease))
    }
}

fn delete_if_created_at(key: &str, revision: i64) -> Txn {
    Txn::new().when(Compare::create_revision(key, Cmp::Equal, revision)).then(Op::delete(key))
}

/// The contender that comes first in `order`, created at or before `until`. `found` is the answer to a query of limit
/// one; when that is a key of a longer name, all are read, keys only, paged at that revision, and sorted out.
async fn extreme(
    door: &Door,
    queue: &str,
    mut found: Vec<KeyValue>,
    revision: i64,
    until: i64,
    order: Order,
) -> Result<Option<KeyValue>> {
    let is_contender = |kv: &KeyValue| only_segment(queue.as_bytes(), &kv.key).is_some() && kv.create_revision <= until;
    match found.pop() {
        None => return Ok(None),
        Some(kv) if is_contender(&kv) => return Ok(Some(kv)),
        Some(_) => {}
    }
    let all = Range::prefix(queue);
    let (mut from, end) = (all.key, all.end);
    let mut best: Option<KeyValue> = None;
    loop {
        let page = Range::between(from, end.clone()).at_revision(revision).limit(PAGE).keys_only();
        let Listing { kvs, more, .. } = door.list(page).await?;
        let next = kvs.last().map(|last| [last.key.as_slice(), &[0]].concat());
        for kv in kvs.into_iter().filter(is_contender) {
            let better = best.as_ref().is_none_or(|best| match order {
                Order::NewestCreated => kv.create_revision > best.create_revision,
                _ => kv.create_revision < best.create_revision,
            });
            if better {
                best = Some(kv);
            }
        }
        match next {
            Some(next) if more => from = next,
            _ => return Ok(best),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((session, name)) = self.held.take() else { return };
        if self.presence == Presence::Absent {
            return;
        }
        let door = self.contention.door.clone().named("contender.withdraw").for_cleanup();
        let (key, presence) = (std::mem::take(&mut self.key), self.presence);
        self.contention.tasks.spawn_cleanup(async move {
            withdraw(&door, &session, &key, presence).await;
            drop(name);
        });
    }
}

/// Takes a contender's key out of etcd, however long etcd is away: until it is gone, or the lease is, which takes it.
async fn withdraw(door: &Door, session: &Session, key: &str, presence: Presence) {
    let lease = session.lease();
    let unsettled_at = BootTime::now().plus(lease.ttl());
    let mut pause = Duration::from_millis(50);
    while lease.is_held() {
        match try_withdraw(door, session, key, presence).await {
            Ok(()) => return,
            Err(error) => tracing::debug!(%error, key, "withdrawing a contender failed, will be tried again"),
        }
        if BootTime::now() >= unsettled_at {
            // Rather the session than a key that is kept alive for ever.
            lease.lose("a contender's lost answer could not be settled within the TTL");
            return;
        }
        tokio::select! {
            () = lease.lost() => return,
            () = tokio::time::sleep(jittered(pause)) => {}
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

async fn try_withdraw(door: &Door, session: &Session, key: &str, presence: Presence) -> Result<()> {
    let delete = match presence {
        Presence::Absent => return Ok(()),
        Presence::At(revision) => delete_if_created_at(key, revision),
        Presence::Unknown => {
            session.raise_fence(Deadline::after(door.request_timeout())).await?;
            let ours = Compare::lease(key, Cmp::Equal, session.lease().id());
            Txn::new().when(ours).then(Op::delete(key))
        }
    };
    // May be sent twice: what it deletes cannot come back under this guard.
    door.commit(delete, CallKind::Idempotent).await.map(drop)
}

/// The owner of a lock or leadership.
pub(crate) struct Owner {
    key: String,
    contender: String,
    revision: i64,
    standing: Arc<Standing>,
    tasks: Tasks,
    release: tokio::sync::Mutex<Release>,
    lease: Lease,
}

/// What is known about an ownership, apart from its lease.
#[derive(Debug)]
struct Standing {
    /// Given up by us, or its key was deleted.
    over: AtomicBool,
    /// Its key was deleted by somebody else.
    key_gone: AtomicBool,
    /// Fires with the lease's loss, and when it is over for another reason.
    ended: CancellationToken,
}

impl Standing {
    fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.ended.cancel();
    }
}

struct Release {
    place: Place,
    /// A delete was sent without an answer: that the key is gone may be our own doing.
    uncertain: bool,
    result: Option<Result<()>>,
}

impl Owner {
    fn new(place: Place, key: &str, revision: i64, lease: Lease) -> Self {
        let Contention { tasks, watches, .. } = place.contention.clone();
        let ended = lease.lost_token().child_token();
        let standing = Arc::new(Standing { over: AtomicBool::new(false), key_gone: AtomicBool::new(false), ended });
        let contender = place.key.clone();
        tasks.spawn(watch_own_key(standing.clone(), watches, contender.clone(), revision));
        let release = tokio::sync::Mutex::new(Release { place, uncertain: false, result: None });
        Self { key: key.to_owned(), contender, revision, standing, tasks, release, lease }
    }

    /// The lock's or election's key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The fencing token: the create revision of the owner's key, strictly increasing over owners.
    pub(crate) fn token(&self) -> i64 {
        self.revision
    }

    pub(crate) fn is_held(&self) -> bool {
        !self.standing.over.load(Ordering::Acquire) && self.lease.is_held()
    }

    /// Ends when it is no longer held.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.standing.ended.clone().cancelled_owned()
    }

    pub(crate) fn guard(&self) -> Guard {
        Guard(Compare::create_revision(self.contender.as_str(), Cmp::Equal, self.revision))
    }

    pub(crate) fn lost(&self, op: &'static str) -> Error {
        if self.lease.why_lost() == Some(CLOSED) {
            return Error::closed(op).with_key(&self.key);
        }
        let why = match (self.standing.key_gone.load(Ordering::Acquire), self.lease.why_lost()) {
            (true, _) => "its key was deleted by somebody else",
            (false, Some(why)) => why,
            (false, None) if self.lease.is_held() => "it was given back",
            (false, None) => "its time is over",
        };
        Error::new(ErrorKind::Lost, op).with_key(&self.key).with_detail(why)
    }

    /// Gives it back. From the beginning of the call on it is not held any more.
    ///
    /// # Errors
    /// Lost when it had been lost before. With any other error the key is still being withdrawn when the owner is
    /// dropped, and this may be called again.
    pub(crate) async fn release(&self, op: &'static str) -> Result<()> {
        let mut release = self.release.lock().await;
        if let Some(result) = &release.result {
            return result.clone().map_err(|error| error.with_op(op));
        }
        if self.tasks.is_closing() {
            return Err(Error::closed(op).with_key(&self.key));
        }
        let Release { place, uncertain, result } = &mut *release;
        if !*uncertain && (self.standing.key_gone.load(Ordering::Acquire) || !self.lease.is_held()) {
            let lost = self.lost(op);
            self.standing.end();
            *result = Some(Err(lost.clone()));
            return Err(lost);
        }
        self.standing.end();
        let door = place.contention.door.clone().named(op);
        let deadline = door.deadline();
        let door = door.until(deadline);
        loop {
            let error = match place.leave(&door).await {
                Ok(true) => return result.insert(Ok(())).clone(),
                Ok(false) if *uncertain => return result.insert(Ok(())).clone(),
                Ok(false) => {
                    self.standing.key_gone.store(true, Ordering::Release);
                    return result.insert(Err(self.lost(op))).clone();
                }
                Err(error) => error.or_key(&self.key),
            };
            *uncertain |= error.maybe_applied();
            if !error.is_retryable() || deadline.has_passed() || self.tasks.is_closing() {
                return Err(error);
            }
            tokio::select! {
                () = deadline.passed() => return Err(error),
                () = tokio::time::sleep(jittered(Duration::from_millis(50))) => {}
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The place, dropped with us, withdraws the key.
        self.standing.end();
    }
}

/// A delete by somebody else, or another incarnation of the key, is Lost at once.
async fn watch_own_key(standing: Arc<Standing>, watches: Watches, key: String, revision: i64) {
    let gone = async {
        tokio::time::sleep(MOMENT).await;
        watches.gone(key.as_bytes(), revision, Some(revision)).await;
    };
    tokio::select! {
        biased;
        () = standing.ended.cancelled() => {}
        () = gone => {
            tracing::warn!(key, "the key of a held lock was deleted by somebody else: lost");
            standing.key_gone.store(true, Ordering::Release);
            standing.end();
        }
    }
}
