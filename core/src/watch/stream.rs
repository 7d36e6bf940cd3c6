//! One watch stream with its many watches: the thin shell around [`Cursor`] and [`Buffer`].
//!
//! The task always reads, whatever the consumers do. When the stream ends, all watches resume on a new one from where
//! they stand; nothing is lost by that, so that it is also the cure for a token that the stream had outlived, and the way
//! to where the renewals are answered.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use etcd_client as etcd;
use tokio::sync::mpsc;

use super::buffer::Buffer;
use super::cursor::{Cursor, Message, Step};
use super::{Cause, Change};
use crate::error::{Error, ErrorKind, Result, printable};
use crate::kv::KeyValue;
use crate::range::Range;
use crate::tasks::Tasks;
use crate::time::{BootTime, Deadline, jittered, sleep_until};
use crate::transport::{TokenVersion, Transport};

/// How long the first answer of a new stream, or a new token, may take before it is tried again.
const OPENING: Duration = Duration::from_secs(5);

/// After this long a watch that the server ended, or refused for want of rights, is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// The start revision that means so to the server.
const NOW: i64 = 0;

/// One watch, as its stream sees it.
#[derive(Debug)]
pub(super) struct Subscription {
    id: i64,
    range: Range,
    cursor: Cursor,
    buffer: Arc<Buffer>,
    connected: bool,
    /// That the server ends it was said once.
    warned: bool,
}

impl Subscription {
    /// `connected` is what its consumer was told last.
    pub(super) fn new(id: i64, range: Range, cursor: Cursor, buffer: Arc<Buffer>, connected: bool) -> Self {
        Self { id, range, cursor, buffer, connected, warned: false }
    }

    fn set_connected(&mut self, connected: bool) {
        if self.connected != connected {
            self.connected = connected;
            self.buffer.connected(connected);
        }
    }

    fn options(&self) -> etcd::WatchOptions {
        let options = etcd::WatchOptions::new()
            .with_watch_id(self.id)
            .with_start_revision(self.cursor.start().unwrap_or(NOW))
            // So that the place to resume from moves on also when nothing happens here, and is not compacted away.
            .with_progress_notify();
        if self.range.end.is_empty() { options } else { options.with_range(self.range.end.clone()) }
    }
}

#[derive(Debug)]
pub(super) enum Command {
    Add(Subscription),
    Cancel(i64),
}

/// A stream's task, from outside.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    commands: mpsc::UnboundedSender<Command>,
    load: Arc<AtomicUsize>,
}

impl Handle {
    pub(super) fn start(transport: Transport, tasks: &Tasks) -> Self {
        let (commands, orders) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let watches = HashMap::new();
        let task = Task { transport, orders, load: load.clone(), watches, failures: 0, is_down: false, strayed: 0 };
        tasks.spawn(task.run());
        Self { commands, load }
    }

    /// Whether its task has ended.
    pub(super) fn is_over(&self) -> bool {
        self.commands.is_closed()
    }

    pub(super) fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, watch: Subscription) {
        self.load.fetch_add(1, Ordering::Relaxed);
        // Refused only after the client has closed; then nothing waits for it any more.
        self.commands.send(Command::Add(watch)).unwrap_or_default();
    }

    pub(super) fn commands(&self) -> mpsc::UnboundedSender<Command> {
        self.commands.clone()
    }
}

struct Task {
    transport: Transport,
    orders: mpsc::UnboundedReceiver<Command>,
    load: Arc<AtomicUsize>,
    watches: HashMap<i64, Subscription>,
    /// How often in a row a stream ended without an answer.
    failures: u32,
    /// It has ended, and no answer came since.
    is_down: bool,
    /// How often in a row one has followed its home in vain.
    strayed: u32,
}

/// What is still to be said to the server.
enum Request {
    Create(i64),
    Cancel(i64),
}

impl Task {
    /// Runs as long as somebody can hand it watches; the client's tasks end it at close.
    async fn run(mut self) {
        loop {
            while self.watches.is_empty() {
                match self.orders.recv().await {
                    Some(order) => drop(self.obey(order)),
                    None => return,
                }
            }
            let token = self.transport.token_version();
            let error = match self.serve().await {
                Ok(()) => return,
                Err(error) => error,
            };
            tracing::debug!(%error, watches = self.watches.len(), "watch stream ended");
            self.is_down = true;
            for watch in self.watches.values_mut() {
                watch.set_connected(false);
            }
            if error.kind() == ErrorKind::Unauthenticated
                && let Err(error) = self.transport.refresh_token(token, Deadline::after(OPENING)).await
            {
                match error.kind() {
                    ErrorKind::Unauthenticated => self.send_away(&error),
                    _ => tracing::debug!(%error, "token refresh for watches failed"),
                }
            }
            let pause = Duration::from_millis(10) * 2u32.pow(self.failures.min(7));
            self.failures = self.failures.saturating_add(1);
            tokio::time::sleep(jittered(pause)).await;
        }
    }

    /// Serves one stream. Ok only when nobody can hand us watches any more.
    async fn serve(&mut self) -> Result<()> {
        let mut requests: VecDeque<Request> = self.watches.keys().copied().map(Request::Create).collect();
        let Some(Request::Create(first)) = requests.pop_front() else { return Ok(()) };
        let Some(first) = self.watches.get(&first) else { return Ok(()) };
        let mut client = self.transport.watch();
        let opening = client.watch(first.range.key.clone(), Some(first.options()));
        let stay = self.transport.stay();
        let opened = Deadline::after(OPENING).limit(stay.open(opening)).await;
        let late = || Error::new(ErrorKind::Unavailable, "watch").with_detail("no answer to a new watch stream");
        let stream = opened.map_err(|_| late())?.map_err(|error| Transport::error("watch", error))?;
        let (mut sender, mut answers) = stream.split();
        self.strayed = if stay.is_at_home() { 0 } else { self.strayed.saturating_add(1) };
        let mut moved = pin!(stay.is_over(self.strayed));
        // In the order of their times, as all wait equally long.
        let mut later: VecDeque<(BootTime, i64)> = VecDeque::new();
        // Creations are answered in order; a refused one has no id.
        let mut creating: VecDeque<i64> = VecDeque::from([first.id]);

        loop {
            let sending = async {
                match requests.front() {
                    Some(Request::Create(id)) => match self.watches.get(id) {
                        Some(watch) => sender.watch(watch.range.key.clone(), Some(watch.options())).await,
                        None => Ok(()),
                    },
                    Some(Request::Cancel(id)) => sender.cancel(*id).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                answer = answers.message() => {
                    let answer = answer.map_err(|error| Transport::error("watch", error))?;
                    let ended = || Error::new(ErrorKind::Unavailable, "watch").with_detail("the server ended the stream");
                    match self.answered(answer.ok_or_else(ended)?, &mut creating, stay.token())? {
                        After::Nothing => {}
                        After::Cancel(id) => requests.push_back(Request::Cancel(id)),
                        After::Later(id) => later.push_back((BootTime::now().plus(PAUSE), id)),
                    }
                }
                order = self.orders.recv() => match order {
                    Some(order) => requests.extend(self.obey(order)),
                    None => return Ok(()),
                },
                () = &mut moved => {
                    let moved = Error::new(ErrorKind::Unavailable, "watch");
                    return Err(moved.with_detail("the renewals are answered elsewhere: following them"));
                }
                () = due(later.front()) => {
                    let refused = later.pop_front().and_then(|(_, id)| self.watches.remove(&id));
                    refused.iter().for_each(|watch| watch.buffer.overtaken(Cause::Refused));
                }
                // Not sent when another branch wins: tokio's send is cancel safe.
                sent = sending => {
                    sent.map_err(|error| Transport::error("watch", error))?;
                    if let Some(Request::Create(id)) = requests.pop_front()
                        && self.watches.contains_key(&id)
                    {
                        creating.push_back(id);
                    }
                }
            }
        }
    }

    /// The user is refused, and no stream will change that: each consumer begins anew, and learns so by its reading.
    fn send_away(&mut self, why: &Error) {
        tracing::warn!(error = %why, watches = self.watches.len(), "the server refuses the user of these watches");
        for (_, watch) in self.watches.drain() {
            watch.buffer.overtaken(Cause::Refused);
        }
        self.load.store(self.orders.len(), Ordering::Relaxed);
    }

    fn obey(&mut self, order: Command) -> Option<Request> {
        let request = match order {
            Command::Add(watch) => {
                let id = watch.id;
                self.watches.insert(id, watch);
                Some(Request::Create(id))
            }
            Command::Cancel(id) => self.watches.remove(&id).map(|_| Request::Cancel(id)),
        };
        self.load.store(self.watches.len() + self.orders.len(), Ordering::Relaxed);
        request
    }

    /// Hands an answer to its watch.
    ///
    /// # Errors
    /// Unauthenticated when the stream has outlived its `token`; Unavailable when that may be why it refuses a watch.
    fn answered(
        &mut self,
        answer: etcd::WatchResponse,
        creating: &mut VecDeque<i64>,
        token: Option<TokenVersion>,
    ) -> Result<After> {
        let created = answer.0.created.then(|| creating.pop_front()).flatten();
        let id = created.unwrap_or(answer.0.watch_id);
        if answer.0.canceled && Transport::is_stale_token_text(&answer.0.cancel_reason) {
            return Err(Error::new(ErrorKind::Unauthenticated, "watch").with_detail(answer.0.cancel_reason));
        }
        let refused = answer.0.created && answer.0.canceled && answer.0.compact_revision == 0;
        if refused && token.is_some_and(|token| token != self.transport.token_version()) {
            // Servers before 3.5.6 call a stale token a want of rights (etcd #14547): under the new one it will show.
            return Err(Error::new(ErrorKind::Unavailable, "watch").with_detail(answer.0.cancel_reason));
        }
        self.failures = 0;
        if std::mem::take(&mut self.is_down) {
            tracing::info!(watches = self.watches.len(), "watches resumed");
        }
        let Some(watch) = self.watches.get_mut(&id) else { return Ok(After::Nothing) };
        let canceled = answer.0.canceled;
        let reason = answer.0.cancel_reason.clone();
        match watch.cursor.step(decode(answer)) {
            Step::Deliver(changes) => {
                watch.set_connected(true);
                if !changes.is_empty() && watch.buffer.push(changes) {
                    let key = printable(&watch.range.key);
                    tracing::warn!(key, "slow consumer: it is told the newest of each key, or what there is");
                }
                Ok(After::Nothing)
            }
            Step::Gap => {
                watch.set_connected(true);
                watch.buffer.gap();
                Ok(After::Nothing)
            }
            Step::Overtaken(why) => {
                watch.buffer.overtaken(why);
                self.watches.remove(&id);
                // The consumer begins anew; the server must not go on with this one.
                Ok(if canceled { After::Nothing } else { After::Cancel(id) })
            }
            Step::Resume => {
                watch.set_connected(false);
                if !std::mem::replace(&mut watch.warned, true) {
                    tracing::warn!(reason, "the server refused a watch; what there is will be read, and watched again");
                }
                Ok(After::Later(id))
            }
        }
    }
}

/// What an answer leaves to do.
enum After {
    Nothing,
    Cancel(i64),
    /// Have its consumer begin anew, after a pause: at once it would be refused again. Whoever may not watch may not read
    /// either, and is told so by the reading; who may read is up to date to the length of the pause.
    Later(i64),
}

impl Drop for Task {
    fn drop(&mut self) {
        // At close nobody cares; after a panic the consumers begin anew, on another stream.
        for watch in self.watches.values() {
            watch.buffer.overtaken(Cause::StreamGone);
        }
    }
}

async fn due(next: Option<&(BootTime, i64)>) {
    match next {
        Some((at, _)) => sleep_until(*at).await,
        None => std::future::pending().await,
    }
}

/// An event of an unknown type, or without a key, tells nothing that we could pass on.
fn decode(answer: etcd::WatchResponse) -> Message {
    let etcd::proto::PbWatchResponse { header, created, canceled, compact_revision, events, .. } = answer.0;
    let (cluster, term, revision) =
        header.map_or((0, 0, 0), |header| (header.cluster_id, header.raft_term, header.revision));
    let events = events.into_iter().filter_map(|event| match (event.r#type, event.kv?) {
        (0, kv) => Some(Change::Put(KeyValue::from(kv))),
        (1, kv) => Some(Change::Delete { key: kv.key, revision: kv.mod_revision }),
        _ => None,
    });
    Message { cluster, term, revision, canceled, compact_revision, created, events: events.collect() }
}
