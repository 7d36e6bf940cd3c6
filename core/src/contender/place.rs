//! A place in a queue, from before its key is put until it is known to be gone.

use std::convert::Infallible;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::queue::{count_before, extreme};
use super::withdrawal::{delete_if_created_at, withdraw};
use super::{Contention, Owner, Wanted};
use crate::error::{Error, ErrorKind, Result};
use crate::kv::{Door, KeyValue};
use crate::range::{Order, Range};
use crate::session::{Name, Session};
use crate::time::{Backoff, Deadline, jittered};
use crate::transport::CallKind;
use crate::txn::{Cmp, Compare, Op, OpResult, Txn, TxnResult};

/// Between two attempts at something that failed.
pub(super) const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// More in a row are no matter of the network: rather an error than a loop.
const MOST_LOST_ANSWERS: u32 = 4;

/// How long a write is waited for before what became of it is settled another way. A write is in the air once: in a
/// member that has frozen it would be waited for until the request's own limit, while the others are well.
pub(super) const PATIENCE: Duration = Duration::from_millis(1500);

/// The revision that means so to a read.
const NOW: i64 = 0;

/// What etcd may hold of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    /// Its key is not there and will not come.
    Absent,
    /// A transaction that puts it was sent and not answered.
    Unknown,
    /// It was created at this revision.
    At(i64),
}

/// A place in a queue, from before the key is put until it is known to be gone. Dropped earlier it is withdrawn.
pub(super) struct Place {
    pub(super) contention: Contention,
    /// The queue's prefix, with its trailing slash.
    queue: String,
    pub(super) key: String,
    presence: Presence,
    /// Taken by the withdrawal alone.
    held: Option<(Session, Name)>,
    gone: CancellationToken,
}

/// The key is there.
pub(super) struct Entered {
    /// Created at this revision.
    pub(super) revision: i64,
    /// The newest key of the queue's prefix, if any, when it was put; None when it is to be looked who is before us.
    before: Option<Vec<KeyValue>>,
}

/// What a read of the queue showed.
struct Seen {
    /// Our key is there, as we put it.
    is_there: bool,
    /// The newest key before it, if any: a contender, or of a longer name.
    before: Vec<KeyValue>,
    revision: i64,
}

impl Place {
    /// In the queue of `key`, under a name of its own; nothing is sent yet.
    pub(super) fn new(contention: Contention, key: &str, session: Session) -> Self {
        let queue = format!("{key}/");
        let name = session.claim_name(&queue);
        let key = name.key();
        let (held, gone) = (Some((session, name)), CancellationToken::new());
        Self { contention, queue, key, presence: Presence::Absent, held, gone }
    }

    /// Fires when it was left or withdrawn: its key is gone, or its lease is, which takes it.
    pub(super) fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    fn session(&self) -> Result<&Session> {
        // Only a drop takes it out.
        let missing = || Error::new(ErrorKind::Internal, "contender").with_detail("a place without a session");
        self.held.as_ref().map(|(session, _)| session).ok_or_else(missing)
    }

    /// Puts the key, or finds it put by an attempt whose answer was lost.
    pub(super) async fn enter(&mut self, wanted: Wanted<'_>) -> Result<Entered> {
        let door = self.contention.door.clone().named(wanted.op).until(wanted.deadline);
        let mut lost_answers = 0;
        loop {
            let session = self.session()?;
            let (fence, seen) = (session.fence(), session.seen());
            if !session.lease().is_held() {
                return Err(session.lost(wanted.op, wanted.key));
            }
            let txn = self.entering(session, fence, wanted.value);
            let before = std::mem::replace(&mut self.presence, Presence::Unknown);
            // A cluster that is slow as a whole has its full time from the second attempt on.
            let first = Deadline::after(PATIENCE).min(wanted.deadline);
            let door = if lost_answers == 0 { &door.clone().until(first) } else { &door };
            let result = match door.commit(txn, CallKind::Write).await {
                Ok(result) => result,
                Err(error) if !error.maybe_applied() => {
                    self.presence = before;
                    return Err(error.or_key(wanted.key));
                }
                Err(error) => {
                    lost_answers += 1;
                    if lost_answers > MOST_LOST_ANSWERS {
                        return Err(error.or_key(wanted.key));
                    }
                    tracing::debug!(%error, key = self.key, "the answer was lost: raising the fence");
                    self.raise_fence(wanted).await?;
                    // Nothing older can land any more; the next turn sees what did.
                    continue;
                }
            };
            let session = self.session()?;
            session.saw(seen, result.revision);
            if !session.lease().is_held() {
                return Err(session.lost(wanted.op, wanted.key));
            }
            let mut results = result.results.into_iter().map(OpResult::into_kvs);
            let mut next = || results.next().unwrap_or_default();
            let entered = if result.succeeded {
                Entered { revision: result.revision, before: Some(next()) }
            } else {
                match self.why_refused(fence, next().pop(), next().pop(), wanted)? {
                    Some(revision) => Entered { revision, before: None },
                    None => continue,
                }
            };
            self.presence = Presence::At(entered.revision);
            return Ok(entered);
        }
    }

    /// If the record is at the fence and our key is absent: put it, and say who came before.
    fn entering(&self, session: &Session, fence: i64, value: &[u8]) -> Txn {
        let newest = Range::prefix(self.queue.as_str()).order(Order::NewestCreated).limit(1).keys_only();
        Txn::new()
            .when(Compare::mod_revision(session.record(), Cmp::Equal, fence))
            .when(Compare::absent(self.key.as_str()))
            // Before the put, which it would find otherwise.
            .then(Op::Get(newest))
            .then(Op::put_under(self.key.as_str(), value, session.lease().id()))
            // With their values: etcd 3.7 leaves out the lease of keys that are read without.
            .otherwise(Op::get(self.key.as_str()))
            .otherwise(Op::get(session.record()))
    }

    /// The transaction was refused for our key, which then is there since the revision given, or for the fence: None,
    /// it is to be tried again.
    fn why_refused(
        &mut self,
        fence: i64,
        mine: Option<KeyValue>,
        record: Option<KeyValue>,
        wanted: Wanted<'_>,
    ) -> Result<Option<i64>> {
        let session = self.session()?;
        let lease = session.lease().id();
        // Gone, overwritten, or older than we have seen it (a restored cluster): there is no fence any more.
        let Some(record) = record.filter(|record| record.lease == lease && record.mod_revision >= fence) else {
            session.lease().lose("its record is gone");
            return Err(session.lost(wanted.op, wanted.key));
        };
        match mine {
            // Ours only under our lease: anybody may write a key of that name.
            Some(mine) if mine.lease == lease && record.mod_revision == fence => Ok(Some(mine.create_revision)),
            Some(mine) if mine.lease != lease => {
                self.presence = Presence::Absent;
                self.take_another_name();
                Ok(None)
            }
            // Another contender of this session has raised it.
            _ => {
                session.saw_fence(record.mod_revision);
                Ok(None)
            }
        }
    }

    async fn raise_fence(&self, wanted: Wanted<'_>) -> Result<()> {
        let session = self.session()?;
        let raised = tokio::select! {
            biased;
            () = self.contention.tasks.closing() => Err(Error::closed(wanted.op)),
            raised = session.raise_fence(wanted.deadline) => raised,
        };
        raised.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                session.lease().lose("the server does not know the lease");
                session.lost(wanted.op, wanted.key)
            }
            // The place is withdrawn when it is dropped, so in the end nothing will have been applied; but not yet.
            _ => error.with_op(wanted.op).with_key(wanted.key).with_maybe_applied(true),
        })
    }

    /// Somebody wrote a key of our name that is not under our lease. The name stays taken until the session ends.
    fn take_another_name(&mut self) {
        if let Some((session, name)) = &mut self.held {
            let another = session.claim_name(&self.queue);
            std::mem::replace(name, another).keep();
            self.key = name.key();
        }
    }

    /// Waits until nobody who came earlier is left.
    pub(super) async fn wait_for_turn(&mut self, wanted: Wanted<'_>, entered: Entered) -> Result<()> {
        let door = self.contention.door.clone().named(wanted.op).until(wanted.deadline);
        let Entered { revision: mine, mut before } = entered;
        let mut pause = SHORTEST_PAUSE;
        let mut place = None;
        let mut somebody_went = false;
        loop {
            match self.predecessor(&door, wanted, mine, before.take(), somebody_went).await {
                Ok(None) => return Ok(()),
                Ok(Some((predecessor, seen))) => {
                    pause = SHORTEST_PAUSE;
                    let Contention { watches, .. } = &self.contention;
                    let gone = watches.gone_from_now(&predecessor.key, seen, Some(predecessor.create_revision));
                    let telling = self.tell_place(&door, wanted, mine, &mut place);
                    let gone = async {
                        tokio::select! { biased; () = gone => {}, never = telling => match never {} }
                    };
                    self.wait_for(Box::pin(gone), wanted).await?;
                    somebody_went = true;
                    // One at least has gone. Whether others have, nobody told us.
                    place = place.map(|place: u64| place.saturating_sub(1).max(1));
                }
                // The place is good for as long as the session is, whatever becomes of one read.
                Err(error) if may_pass(&error) && !wanted.deadline.has_passed() => {
                    tracing::debug!(%error, key = self.key, "looking ahead in the queue failed, will be tried again");
                    self.wait_for(tokio::time::sleep(jittered(pause)), wanted).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error.or_key(wanted.key)),
            }
        }
    }

    /// Tells the place to whoever wants to know it: counted once, at the revision we came at; among all there are now,
    /// when that revision is compacted.
    async fn tell_place(&self, door: &Door, wanted: Wanted<'_>, mine: i64, place: &mut Option<u64>) -> Infallible {
        let Some(places) = wanted.places else { return std::future::pending().await };
        let (mut at, mut backoff) = (mine, Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE));
        while place.is_none() {
            match count_before(door, &self.queue, at).await {
                Ok(counted) => *place = Some(counted),
                Err(error) if error.kind() == ErrorKind::Compacted && at != NOW => at = NOW,
                Err(error) => {
                    tracing::debug!(%error, key = self.key, "no place to tell");
                    if !may_pass(&error) {
                        return std::future::pending().await;
                    }
                    backoff.pause().await;
                }
            }
        }
        place.iter().for_each(|place| places(*place));
        std::future::pending().await
    }

    /// Waits for `event`, at most as long as the session lives, the client is open and the caller has time.
    async fn wait_for(&self, event: impl Future<Output = ()>, wanted: Wanted<'_>) -> Result<()> {
        let session = self.session()?;
        tokio::select! {
            biased;
            () = self.contention.tasks.closing() => Err(Error::closed(wanted.op).with_key(wanted.key)),
            () = session.lease().lost() => Err(session.lost(wanted.op, wanted.key)),
            () = event => Ok(()),
            () = wanted.deadline.passed() => {
                Err(Error::new(ErrorKind::DeadlineExceeded, wanted.op).with_key(wanted.key))
            }
        }
    }

    /// Whether nobody who came earlier is left, at this moment.
    pub(super) async fn is_next(&self, door: &Door, wanted: Wanted<'_>, entered: Entered) -> Result<bool> {
        let before = self.predecessor(door, wanted, entered.revision, entered.before, false).await;
        before.map(|before| before.is_none()).map_err(|error| error.or_key(wanted.key))
    }

    /// Who is the next before us, at which revision of the store: by what was `found` when we entered, else by looking.
    async fn predecessor(
        &self,
        door: &Door,
        wanted: Wanted<'_>,
        mine: i64,
        found: Option<Vec<KeyValue>>,
        somebody_went: bool,
    ) -> Result<Option<(KeyValue, i64)>> {
        let Some(found) = found else { return self.look_ahead(door, wanted, mine, somebody_went).await };
        let before = extreme(door, &self.queue, found, mine, mine.saturating_sub(1), Order::NewestCreated).await?;
        Ok(before.map(|before| (before, mine)))
    }

    /// Says whether we are still in the queue, and who is the next before us, at which revision of the store.
    ///
    /// When somebody was seen to go, the member that told so is asked first, alone. That our key is there and nobody
    /// before it is true from then on, whoever says it and however far it lags behind: nobody can come before us later,
    /// and that our key goes can happen after any read. That spares the round among the members, and the wait for what
    /// others are writing. Whatever else it says, all are asked.
    async fn look_ahead(
        &self,
        door: &Door,
        wanted: Wanted<'_>,
        mine: i64,
        somebody_went: bool,
    ) -> Result<Option<(KeyValue, i64)>> {
        let newest_before = Range::prefix(self.queue.as_str())
            .order(Order::NewestCreated)
            .created_until(mine.saturating_sub(1))
            .limit(1)
            .keys_only();
        let wants = [Range::key(self.key.as_str()).keys_only(), newest_before];
        if somebody_went {
            let read = wants.iter().cloned().fold(Txn::new(), |txn, range| txn.then(Op::Get(range.serializable())));
            match door.commit(read, CallKind::ReadAtHome).await.map(|result| self.seen_in(result, mine)) {
                Ok(Seen { is_there: true, before, .. }) if before.is_empty() => return Ok(None),
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, key = self.key, "one member does not say whose turn it is"),
            }
        }
        let read = wants.into_iter().fold(Txn::new(), |txn, range| txn.then(Op::Get(range)));
        let Seen { is_there, before, revision } = self.seen_in(door.commit(read, CallKind::Read).await?, mine);
        if !is_there {
            let error = Error::new(ErrorKind::Lost, wanted.op).with_key(wanted.key);
            return Err(error.with_detail("our place in the queue is gone"));
        }
        let before = extreme(door, &self.queue, before, revision, mine.saturating_sub(1), Order::NewestCreated).await?;
        Ok(before.map(|before| (before, revision)))
    }

    fn seen_in(&self, result: TxnResult, mine: i64) -> Seen {
        let mut results = result.results.into_iter().map(OpResult::into_kvs);
        let mut next = || results.next().unwrap_or_default();
        let is_there = next().iter().any(|me| me.create_revision == mine);
        Seen { is_there, before: next(), revision: result.revision }
    }

    /// Deletes our key if it is still ours. True when it was there; with copies (`Repeatable`) that may have been another.
    pub(super) async fn leave(&mut self, door: &Door, kind: CallKind) -> Result<bool> {
        let Presence::At(revision) = self.presence else { return Ok(false) };
        let result = door.commit(delete_if_created_at(&self.key, revision), kind).await?;
        self.presence = Presence::Absent;
        Ok(result.succeeded)
    }

    /// Leaves the session and gives the name free, once the key is known to be gone: whoever holds us longer holds
    /// nothing.
    pub(super) fn settle(&mut self) {
        if self.presence == Presence::Absent {
            self.held = None;
            self.gone.cancel();
        }
    }

    /// The turn has come; whoever does not hold by now has lost.
    pub(super) fn own(self, wanted: Wanted<'_>, revision: i64) -> Result<Owner> {
        let session = self.session()?;
        let lease = session.lease().clone();
        if !lease.is_held() {
            return Err(session.lost(wanted.op, wanted.key));
        }
        Ok(Owner::new(self, wanted.key, revision, lease))
    }
}

/// Compacted: the revision of the first read was gone by the second.
fn may_pass(error: &Error) -> bool {
    error.is_retryable() || error.kind() == ErrorKind::Compacted
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((session, name)) = self.held.take() else { return };
        if self.presence == Presence::Absent {
            return;
        }
        let door = self.contention.door.clone().named("contender.withdraw").for_cleanup();
        let (key, presence, gone) = (std::mem::take(&mut self.key), self.presence, self.gone());
        self.contention.tasks.spawn_cleanup(async move {
            withdraw(&door, &session, &key, presence).await;
            gone.cancel();
            drop(name);
        });
    }
}
