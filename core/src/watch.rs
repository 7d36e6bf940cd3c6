//! Resilient watches: what every capability that waits for a change stands on.
//!
//! A [`Watch`] yields the changes of a range in revision order, without duplicate and without gap for a consumer that
//! keeps up. It resumes after any failure, with jittered back-off, for as long as its owner lives. Its buffer is
//! bounded: a slow consumer gets the newest state per key, marked as coalesced, and beyond that a [`Update::Resync`],
//! as after a compaction or a restored cluster; never silence, and never at the cost of other watches.
//!
//! A restored cluster is known by another id, or, when a watch resumes, by a store that is behind what the watch has seen,
//! or in an earlier raft term. One with the same id that has come as far again in revisions and in terms cannot be told
//! from the one before: a watch that was away all the while misses what the restored one has changed meanwhile.
//!
//! Many watches share one stream (`stream.rs`), which is always drained. Where to resume and what was seen already is
//! decided without I/O (`cursor.rs`, `buffer.rs`).
//!
//! # Costs
//! The first watch of a client opens a stream: one request. Every further one is a message on it. A snapshot is one
//! request for every 1,000 keys.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use self::buffer::{Buffer, Taken};
use self::cursor::Cursor;
use crate::error::{ErrorKind, Result, printable};
use crate::kv::{Door, KeyValue, Listing};
use crate::range::Range;
use crate::tasks::Tasks;
use crate::time::Backoff;

mod buffer;
mod cursor;
mod stream;

/// The most watches that share one stream.
const WATCHES_PER_STREAM: usize = 1000;

/// Between two attempts at a snapshot.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Put(KeyValue),
    Delete { key: Vec<u8>, revision: i64 },
}

impl Change {
    pub(crate) fn key(&self) -> &[u8] {
        match self {
            Change::Put(kv) => &kv.key,
            Change::Delete { key, .. } => key,
        }
    }

    pub(crate) fn revision(&self) -> i64 {
        match self {
            Change::Put(kv) => kv.mod_revision,
            Change::Delete { revision, .. } => *revision,
        }
    }

    /// About how much memory it takes.
    fn weight(&self) -> usize {
        let content = match self {
            Change::Put(kv) => kv.key.len() + kv.value.len(),
            Change::Delete { key, .. } => key.len(),
        };
        content + size_of::<Change>()
    }
}

/// What a watch yields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// All changes of one revision; of the newest of several, when the consumer was slow and they were coalesced. Those
    /// add up to a state that has been only with the last of them, when it is `settled` again.
    Events { revision: i64, changes: Vec<Change>, coalesced: bool, settled: bool },
    /// The events in between are lost: this is all there is now.
    Resync(Snapshot),
    /// Events may be delayed from now on, or are no longer.
    Connected(bool),
}

/// Why the changes that come next cannot be told, so that a snapshot replaces them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Compacted,
    OtherCluster,
    /// The store is behind what was seen of it: restored from a backup, or that of a member that lags.
    StoreBehind,
    SlowConsumer,
    /// The server has refused the watch.
    Refused,
    /// The task of its stream has ended: the client closes, or a panic.
    StreamGone,
}

/// The keys of a watched range at one revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) revision: i64,
    pub(crate) kvs: Vec<KeyValue>,
}

/// The watches of one client. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Watches(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    door: Door,
    tasks: Tasks,
    streams: Mutex<Vec<stream::Handle>>,
    last_id: AtomicI64,
}

impl Watches {
    pub(crate) fn new(door: Door, tasks: Tasks) -> Self {
        let streams = Mutex::new(Vec::new());
        Self(Arc::new(Inner { door, tasks, streams, last_id: AtomicI64::new(0) }))
    }

    /// Watches `range` (its key and end): the first update is a snapshot.
    pub(crate) fn snapshot_and_watch(&self, range: Range) -> Watch {
        let backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        Watch {
            watches: self.clone(),
            range,
            feed: None,
            in_gap: false,
            owed: None,
            seen: 0,
            connected: false,
            backoff,
            refused: Vec::new(),
        }
    }

    /// Ends when `key`, which was there at the revision `seen`, is gone: deleted, or, when its create revision is given,
    /// created anew. No request.
    ///
    /// # Cancel safety
    /// Safe; dropping it ends the watch.
    pub(crate) async fn gone(&self, key: &[u8], seen: i64, created: Option<i64>) {
        self.gone_after(Cursor::new(seen.saturating_add(1)), key, created).await;
    }

    /// The same for what may be gone any moment. [`Watches::gone`] begins in the past, and etcd takes up to 100 ms to
    /// bring such a watch up to date; this one begins now. One request, when the store has changed between `seen` and the beginning of the watch.
    ///
    /// # Cancel safety
    /// Safe; dropping it ends the watch.
    pub(crate) async fn gone_from_now(&self, key: &[u8], seen: i64, created: Option<i64>) {
        self.gone_after(Cursor::now(seen), key, created).await;
    }

    async fn gone_after(&self, cursor: Cursor, key: &[u8], created: Option<i64>) {
        let mut watch = self.snapshot_and_watch(Range::key(key));
        watch.subscribe(cursor);
        while !is_gone(&watch.next().await, created) {}
    }

    /// A stream with room, else a new one.
    fn stream(&self) -> stream::Handle {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| !stream.is_over());
        if let Some(stream) = streams.iter().find(|stream| stream.load() < WATCHES_PER_STREAM) {
            return stream.clone();
        }
        let stream = stream::Handle::start(self.0.door.transport().clone(), &self.0.tasks);
        streams.push(stream.clone());
        stream
    }
}

/// Whether this update tells that a key is gone, or its incarnation that was created at `created`. A put that only shows
/// a newer mod revision is still the same one; a coalesced event or a snapshot cannot hide a new one, as it shows
/// another create revision. A member that lags may yet tell the end of an earlier one, which is no news.
fn is_gone(update: &Update, created: Option<i64>) -> bool {
    match update {
        Update::Events { changes, .. } => changes.iter().any(|change| match change {
            Change::Delete { revision, .. } => created.is_none_or(|created| *revision > created),
            Change::Put(kv) => created.is_some_and(|created| kv.create_revision > created),
        }),
        // It may be that of a restored cluster, with lower revisions.
        Update::Resync(snapshot) => {
            snapshot.kvs.iter().all(|kv| created.is_some_and(|created| kv.create_revision != created))
        }
        Update::Connected(_) => false,
    }
}

/// One watch. Dropping it cancels it.
#[derive(Debug)]
pub(crate) struct Watch {
    watches: Watches,
    range: Range,
    /// None while a resync is owed.
    feed: Option<Feed>,
    /// A snapshot is owed, while the events after it already come.
    in_gap: bool,
    /// Why a resync is owed; None at the beginning.
    owed: Option<Cause>,
    /// Events up to this revision are in a snapshot that was returned.
    seen: i64,
    /// What was told last.
    connected: bool,
    backoff: Backoff,
    /// Why a snapshot was refused, as far as that was told.
    refused: Vec<ErrorKind>,
}

#[derive(Debug)]
struct Feed {
    id: i64,
    buffer: Arc<Buffer>,
    stream: mpsc::UnboundedSender<stream::Command>,
}

impl Watch {
    fn subscribe(&mut self, cursor: Cursor) {
        let Inner { last_id, .. } = &*self.watches.0;
        let id = last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let buffer = Arc::new(Buffer::new(self.connected));
        let stream = self.watches.stream();
        stream.add(stream::Subscription::new(id, self.range.clone(), cursor, buffer.clone(), self.connected));
        self.feed = Some(Feed { id, buffer, stream: stream.commands() });
    }

    /// The next update. Never ends by itself: failures are waited out.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken that is not returned.
    pub(crate) async fn next(&mut self) -> Update {
        loop {
            match self.try_next().await {
                Ok(update) => return update,
                Err(error) => {
                    tracing::warn!(%error, "a watch cannot begin; it will be tried again until it is dropped")
                }
            }
        }
    }

    /// The next update; or, once, why what is watched cannot be read, if that does not pass by itself. It is tried again
    /// all the same.
    ///
    /// # Errors
    /// PermissionDenied and the like.
    ///
    /// # Cancel safety
    /// As for [`Watch::next`].
    pub(crate) async fn try_next(&mut self) -> Result<Update> {
        loop {
            let Some(feed) = self.feed.as_ref().filter(|_| !self.in_gap) else {
                let snapshot = self.snapshot().await?;
                if let Some(why) = self.owed.take() {
                    let (key, keys) = (printable(&self.range.key), snapshot.kvs.len());
                    tracing::info!(key, ?why, keys, "watch resynced: what there is replaces what was missed");
                }
                if !std::mem::take(&mut self.in_gap) {
                    self.subscribe(Cursor::new(snapshot.revision.saturating_add(1)));
                }
                self.seen = snapshot.revision;
                return Ok(Update::Resync(snapshot));
            };
            match feed.buffer.take().await {
                Taken::Events { revision, changes, coalesced, settled } if revision > self.seen => {
                    return Ok(Update::Events { revision, changes, coalesced, settled });
                }
                Taken::Events { .. } => {}
                Taken::Connected(connected) => {
                    self.connected = connected;
                    return Ok(Update::Connected(connected));
                }
                Taken::Gap => self.in_gap = true,
                Taken::Overtaken(why) => {
                    self.owed = Some(why);
                    self.unsubscribe();
                }
            }
        }
    }

    /// All keys of the range, as soon as etcd can be read.
    async fn snapshot(&mut self) -> Result<Snapshot> {
        let door = self.watches.0.door.clone().named("watch.resync");
        loop {
            let error = match door.list_all(Range::between(self.range.key.clone(), self.range.end.clone())).await {
                Ok(Listing { kvs, revision, .. }) => {
                    self.backoff.reset();
                    self.refused.clear();
                    return Ok(Snapshot { revision, kvs });
                }
                Err(error) => error,
            };
            let passes = error.is_retryable() || matches!(error.kind(), ErrorKind::Compacted | ErrorKind::Closed);
            if !passes && !self.refused.contains(&error.kind()) {
                self.refused.push(error.kind());
                return Err(error);
            }
            tracing::debug!(%error, "resync failed, will be tried again");
            self.backoff.pause().await;
        }
    }

    fn unsubscribe(&mut self) {
        self.in_gap = false;
        self.seen = 0;
        if let Some(feed) = self.feed.take() {
            // A stream's task that has ended has forgotten us already.
            feed.stream.send(stream::Command::Cancel(feed.id)).unwrap_or_default();
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.unsubscribe();
    }
}

#[cfg(test)]
mod tests;
