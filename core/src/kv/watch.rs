//! Watching keys: first what there is, then every change, for as long as you like.

use crate::client::Client;
use crate::error::{Error, Result};
use crate::kv::{KeyValue, Kv};
use crate::range::Range;
use crate::tasks::Tasks;
use crate::watch::{self, Watches};

/// One change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was written; [`KeyValue::version`] 1 means that it was created.
    Put(KeyValue),
    /// It was deleted, or its lease ended.
    Delete {
        /// The key.
        key: Vec<u8>,
        /// The revision at which it went.
        revision: i64,
    },
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchUpdate {
    /// All there is, at this revision: at the beginning, and whenever the changes since the last update are lost (a
    /// compaction, a restored cluster, a consumer too slow for more keys than are kept). Replace your picture by it.
    Snapshot {
        /// The revision of the store.
        revision: i64,
        /// The keys, in order.
        kvs: Vec<KeyValue>,
    },
    /// The changes of one revision, after all earlier ones and none of them twice.
    Changes {
        /// The revision.
        revision: i64,
        /// In no particular order.
        changes: Vec<Change>,
        /// You were slow: for each key only the newest change is there.
        coalesced: bool,
    },
    /// Whether changes come at once (true), or etcd is away and they will come later (false). Nothing is lost by it.
    Connected(bool),
}

/// A watch on keys. Dropping it ends it. It keeps its client alive.
#[derive(Debug)]
pub struct KvWatch {
    watch: watch::Watch,
    tasks: Tasks,
    _client: Client,
}

impl KvWatch {
    pub(super) fn new(watches: &Watches, range: Range, tasks: Tasks, client: Client) -> Self {
        Self { watch: watches.snapshot_and_watch(range), tasks, _client: client }
    }

    /// The next update. Waits without limit; that etcd is away is waited out.
    ///
    /// # Errors
    /// Closed, when the client was closed: nothing comes after. Any other is told once, and the watch goes on: call again.
    /// PermissionDenied, Unauthenticated and the like, while etcd does not let us read the range, also when a user loses its
    /// rights later; once it does, a snapshot follows (a user who was refused is tried again after up to 30 s).
    ///
    /// # Cancel safety
    /// Safe: nothing is taken that is not returned.
    pub async fn next(&mut self) -> Result<WatchUpdate> {
        tokio::select! {
            biased;
            () = self.tasks.closing() => Err(Error::closed("kv.watch")),
            update = self.watch.try_next() => update.map(Into::into).map_err(|error| error.with_op("kv.watch")),
        }
    }
}

impl Kv {
    /// Watches a range: its key and end; other settings of the range do not matter.
    ///
    /// A cluster restored from a backup is noticed, with a new snapshot, unless it has the same cluster id and, before this
    /// watch reached it again, has come as far in revisions and raft terms as the one before: stop watchers for a restore,
    /// or give the restored cluster a new token (`--initial-cluster-token`).
    ///
    /// The first watch of a client opens a stream, which the others share; a snapshot is one request for every 1,000
    /// keys. The changes that wait for you are bounded: 4,096 changes or 32 MB, then the newest per key, and beyond
    /// that a new snapshot.
    ///
    /// # Errors
    /// InvalidArgument for an empty key or an end before it; Closed.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// use gocore_etcd_core::{ErrorKind, Range, WatchUpdate};
    ///
    /// let mut watch = client.kv().watch(Range::prefix(client.key(["flags"]) + "/"))?;
    /// loop {
    ///     match watch.next().await {
    ///         Ok(WatchUpdate::Snapshot { kvs, .. }) => println!("{} flags", kvs.len()),
    ///         Ok(WatchUpdate::Changes { changes, .. }) => println!("changed: {changes:?}"),
    ///         Err(error) if error.kind() == ErrorKind::Closed => return Ok(()),
    ///         Err(error) => println!("not for now: {error}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn watch(&self, range: impl Into<Range>) -> Result<KvWatch> {
        let range = range.into();
        range.check("kv.watch")?;
        self.client.check_open("kv.watch")?;
        Ok(KvWatch::new(self.client.watches(), range, self.client.tasks().clone(), self.client.clone()))
    }
}

impl From<watch::Update> for WatchUpdate {
    fn from(update: watch::Update) -> Self {
        match update {
            watch::Update::Events { revision, changes, coalesced, .. } => {
                Self::Changes { revision, changes: changes.into_iter().map(Change::from).collect(), coalesced }
            }
            watch::Update::Resync(watch::Snapshot { revision, kvs }) => Self::Snapshot { revision, kvs },
            watch::Update::Connected(connected) => Self::Connected(connected),
        }
    }
}

impl From<watch::Change> for Change {
    fn from(change: watch::Change) -> Self {
        match change {
            watch::Change::Put(kv) => Self::Put(kv),
            watch::Change::Delete { key, revision } => Self::Delete { key, revision },
        }
    }
}
