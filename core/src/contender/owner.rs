//! The owner of a lock or leadership: what it may believe, and how it gives back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Contention;
use super::place::{PATIENCE, Place};
use crate::error::{Error, ErrorKind, Result};
use crate::lease::{CLOSED, Lease};
use crate::time::{Deadline, jittered};
use crate::transport::CallKind;
use crate::txn::{Cmp, Compare, Guard};
use crate::watch::Watches;

mod writes;

/// What is held for less than this is not worth a watch on its own key.
const MOMENT: Duration = Duration::from_millis(20);

/// The owner of a lock or leadership.
pub(crate) struct Owner {
    key: String,
    contender: String,
    revision: i64,
    standing: Arc<Standing>,
    contention: Contention,
    release: tokio::sync::Mutex<Release>,
    /// Fires when the key is gone after it was given back.
    withdrawn: CancellationToken,
    lease: Lease,
}

/// What is known about an ownership, apart from its lease.
#[derive(Debug)]
struct Standing {
    /// Given up by us, or its key was deleted.
    over: AtomicBool,
    /// Its key was deleted by somebody else.
    key_gone: AtomicBool,
    /// It was given up by us while it was held.
    given_back: AtomicBool,
    /// Fires with the lease's loss, and when it is over for another reason.
    ended: CancellationToken,
}

impl Standing {
    fn give_back(&self) {
        if !self.ended.is_cancelled() {
            self.given_back.store(true, Ordering::Release);
        }
        self.end();
    }

    fn end(&self) {
        self.over.store(true, Ordering::Release);
        self.ended.cancel();
    }
}

struct Release {
    /// None once it is being given back: whatever becomes of that, the place withdraws itself.
    place: Option<Place>,
    result: Option<Result<()>>,
}

impl Owner {
    pub(super) fn new(place: Place, key: &str, revision: i64, lease: Lease) -> Self {
        let contention = place.contention.clone();
        let ended = lease.lost_token().child_token();
        let standing = Arc::new(Standing {
            over: AtomicBool::new(false),
            key_gone: AtomicBool::new(false),
            given_back: AtomicBool::new(false),
            ended,
        });
        let contender = place.key.clone();
        let Contention { tasks, watches, .. } = &contention;
        tasks.spawn(watch_own_key(standing.clone(), watches.clone(), contender.clone(), revision));
        let withdrawn = place.gone();
        let release = tokio::sync::Mutex::new(Release { place: Some(place), result: None });
        Self { key: key.to_owned(), contender, revision, standing, contention, release, withdrawn, lease }
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

    /// Ends with it: true when it was lost, false when it was given back by its owner.
    pub(crate) fn loss(&self) -> impl Future<Output = bool> + Send + 'static + use<> {
        let (standing, lease) = (self.standing.clone(), self.lease.clone());
        async move {
            standing.ended.cancelled().await;
            !standing.given_back.load(Ordering::Acquire) && lease.why_lost() != Some(CLOSED)
        }
    }

    /// Whether it was given back by its owner, by closing the client at last.
    pub(crate) fn was_given_back(&self) -> bool {
        self.standing.given_back.load(Ordering::Acquire) || self.lease.why_lost() == Some(CLOSED)
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

    /// etcd has said that the key is gone, or another's: nobody may go on believing.
    pub(crate) fn found_gone(&self) {
        self.standing.key_gone.store(true, Ordering::Release);
        self.standing.end();
    }

    /// It is not held from now on; the key is still to be deleted, by releasing or dropping it.
    pub(crate) fn give_back(&self) {
        self.standing.give_back();
    }

    /// Gives it back. From the beginning of the call on it is not held any more.
    ///
    /// # Errors
    /// Lost when it had been lost before. With any other error, and when this is dropped, the key is being withdrawn in
    /// the background; called again, this waits for that.
    pub(crate) async fn release(&self, op: &'static str) -> Result<()> {
        let door = self.contention.door.clone().named(op);
        let deadline = door.deadline();
        let Ok(mut release) = deadline.limit(self.release.lock()).await else { return Err(self.not_yet(op)) };
        if let Some(result) = &release.result {
            return result.clone().map_err(|error| error.with_op(op));
        }
        if self.contention.tasks.is_closing() {
            return Err(Error::closed(op).with_key(&self.key));
        }
        let Some(mut place) = release.place.take() else {
            drop(release);
            return self.until_withdrawn(op, deadline).await;
        };
        if self.standing.key_gone.load(Ordering::Acquire) || !self.lease.is_held() {
            let lost = self.lost(op);
            self.standing.end();
            return release.result.insert(Err(lost)).clone();
        }
        self.standing.give_back();
        // A delete was sent without an answer: that the key is gone may be our own doing, and copies do no harm.
        let mut uncertain = false;
        loop {
            let (until, kind) = match uncertain {
                false => (deadline.min(Deadline::after(PATIENCE)), CallKind::Write),
                true => (deadline, CallKind::Repeatable),
            };
            let left = place.leave(&door.clone().until(until), kind).await;
            place.settle();
            let error = match left {
                Ok(there) if there || uncertain => return release.result.insert(Ok(())).clone(),
                Ok(_) => {
                    self.standing.key_gone.store(true, Ordering::Release);
                    return release.result.insert(Err(self.lost(op))).clone();
                }
                Err(error) => error.or_key(&self.key),
            };
            uncertain |= error.maybe_applied();
            if !error.is_retryable() || deadline.has_passed() || self.contention.tasks.is_closing() {
                return Err(error);
            }
            tokio::select! {
                () = deadline.passed() => return Err(error),
                () = tokio::time::sleep(jittered(Duration::from_millis(50))) => {}
            }
        }
    }
}

impl Owner {
    /// Waits until an earlier release, which failed or was dropped, has come to its end in the background: the key is gone,
    /// by us or with its lease.
    async fn until_withdrawn(&self, op: &'static str, deadline: Deadline) -> Result<()> {
        tokio::select! {
            biased;
            () = self.withdrawn.cancelled() => Ok(()),
            () = self.contention.tasks.closing() => Err(Error::closed(op).with_key(&self.key)),
            () = deadline.passed() => Err(self.not_yet(op)),
        }
    }

    fn not_yet(&self, op: &'static str) -> Error {
        let error = Error::new(ErrorKind::DeadlineExceeded, op).with_key(&self.key).with_maybe_applied(true);
        error.with_detail("it is still being given back")
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // The place, dropped with us, withdraws the key.
        self.standing.give_back();
    }
}

/// A delete by somebody else, or another incarnation of the key, is Lost; at once, or in the first moments within the
/// 100 ms that etcd needs to bring a watch up to date.
async fn watch_own_key(standing: Arc<Standing>, watches: Watches, key: String, revision: i64) {
    let gone = async {
        tokio::time::sleep(MOMENT).await;
        watches.gone(key.as_bytes(), revision, Some(revision)).await;
    };
    tokio::select! {
        biased;
        () = standing.ended.cancelled() => {}
        () = gone => {
            tracing::warn!(key, "our key was deleted by somebody else: lost");
            standing.key_gone.store(true, Ordering::Release);
            standing.end();
        }
    }
}
