//! A session: a lease with a local deadline and a record in etcd, shared by the locks of one client with one TTL.
//!
//! The record, `{prefix}/.gocore/sessions/{lease}`, lies under the lease. It answers "who holds this?", and its
//! mod revision is the fence: every transaction by which a contender enters a queue demands the revision we know.
//! When an answer was lost, putting the record again makes every older transaction of this session fail, so that what
//! is then read is the truth (a request held in a frozen member may otherwise land much later).
//!
//! The state is read from clocks: Held, Suspect when a renewal is overdue (a new contender then begins a new session),
//! Lost at the local deadline, or within milliseconds when the server says so: the record is watched.
//!
//! # Costs
//! A new session is two requests and two proposals (grant, record), one more message on the shared watch stream, and
//! a renewal each third of the TTL. An idle session is kept for one more TTL, so that a warm lock pays none of it.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::sync::watch;

use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::Keyspace;
use crate::kv::Door;
use crate::lease::{CLOSED, Lease, Leases, Purpose, Ttl};
use crate::tasks::Tasks;
use crate::time::{Deadline, unix_seconds};
use crate::transport::CallKind;
use crate::watch::Watches;

mod names;

pub(crate) use self::names::Name;
use self::names::Names;

/// The sessions of one client, one for each TTL. Clones are the same.
#[derive(Clone)]
pub(crate) struct Sessions(Arc<Inner>);

struct Inner {
    door: Door,
    tasks: Tasks,
    leases: Leases,
    watches: Watches,
    keyspace: Keyspace,
    current: Mutex<HashMap<Ttl, Slot>>,
}

/// A session that has begun or is beginning, for everybody who waits for it.
type Beginning = Shared<BoxFuture<'static, Result<Arc<State>>>>;

struct Slot {
    /// Tells this beginning from a later one for the same TTL.
    number: u64,
    beginning: Beginning,
}

#[derive(Debug)]
struct State {
    lease: Lease,
    record: String,
    value: Vec<u8>,
    /// The mod revision of the record, as far as we know: the fence.
    fence: AtomicI64,
    /// The newest revision at which the store has answered a transaction of this session.
    seen: AtomicI64,
    names: Arc<Names>,
    /// How many use it; [`RETIRED`] once it takes no more.
    users: watch::Sender<usize>,
    door: Door,
}

const RETIRED: usize = usize::MAX;

/// How often a session may be over by the time it has begun.
const MOST_TURNS: u32 = 4;

impl Sessions {
    pub(crate) fn new(door: Door, tasks: Tasks, leases: Leases, watches: Watches, keyspace: Keyspace) -> Self {
        let current = Mutex::new(HashMap::new());
        Self(Arc::new(Inner { door, tasks, leases, watches, keyspace, current }))
    }

    /// Joins the session of this TTL if it is Held, else begins a new one.
    ///
    /// # Cancel safety
    /// Safe: a session is begun by a task of its own, for whoever still wants it; unwanted it ends after its TTL.
    pub(crate) async fn join(&self, ttl: Ttl, op: &'static str, deadline: Deadline) -> Result<Session> {
        for turn in 0..MOST_TURNS {
            let (number, beginning) = self.current(ttl);
            let began = tokio::select! {
                biased;
                began = deadline.limit(beginning) => began,
                () = self.0.tasks.closing() => return Err(Error::closed(op)),
            };
            match began {
                // One that was begun for us may already be late with its first renewal.
                Ok(Ok(state)) => match Session::join(state, turn == 0) {
                    Some(session) => return Ok(session),
                    // Retired, lost or suspect in the meantime.
                    None => self.forget(ttl, number),
                },
                // Expired before its record came: on a slow path, or held up on the way.
                Ok(Err(error)) if error.kind() == ErrorKind::Lost => self.forget(ttl, number),
                Ok(Err(error)) => {
                    self.forget(ttl, number);
                    return Err(error.with_op(op));
                }
                Err(_) => return Err(Error::new(ErrorKind::DeadlineExceeded, op).with_detail("beginning a session")),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, op).with_detail("sessions are over before they have begun"))
    }

    fn current(&self, ttl: Ttl) -> (u64, Beginning) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = current.entry(ttl).or_insert_with(|| {
            let beginning = self.clone().begin(ttl).boxed().shared();
            let (sessions, driver, number) = (self.clone(), beginning.clone(), fastrand::u64(..));
            // Also while the client closes: the beginning holds what it is kept in, until it has ended. It ends at once
            // then, for the door says so.
            self.0.tasks.spawn_cleanup(async move {
                // Whoever waits gets the result. Here it is only brought about, and a failure not kept for later.
                if driver.await.is_err() {
                    sessions.forget(ttl, number);
                }
            });
            Slot { number, beginning }
        });
        (slot.number, slot.beginning.clone())
    }

    fn forget(&self, ttl: Ttl, number: u64) {
        let mut current = self.0.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.get(&ttl).is_some_and(|slot| slot.number == number) {
            current.remove(&ttl);
        }
    }

    async fn begin(self, ttl: Ttl) -> Result<Arc<State>> {
        let Inner { door, tasks, leases, keyspace, .. } = &*self.0;
        let door = door.clone().named("session.begin").until(Deadline::after(door.request_timeout()));
        let lease = leases.grant(&door, ttl, Purpose::Exclusion).await?;
        let ending = EndOnDrop { sessions: &self, lease: Some(lease.clone()) };
        let record = keyspace.session(lease.id());
        let value = record_value();
        let revision = put_record(&door, &record, value.clone(), lease.id()).await.map_err(|error| {
            let is_over = error.kind() == ErrorKind::NotFound;
            if is_over { Error::new(ErrorKind::Lost, "session.begin").with_source(error) } else { error }
        })?;
        ending.disarm();
        let state = Arc::new(State {
            names: Names::of(lease.id()),
            lease,
            record,
            value,
            fence: AtomicI64::new(revision),
            seen: AtomicI64::new(revision),
            users: watch::Sender::new(0),
            door: self.0.door.clone().named("session.fence"),
        });
        tasks.spawn_cleanup(self.clone().look_after(state.clone()));
        Ok(state)
    }

    /// Lives as long as the session: ends it when it is idle for a TTL, when the client closes, when it is lost.
    async fn look_after(self, state: Arc<State>) {
        let Inner { tasks, leases, watches, .. } = &*self.0;
        // Of any incarnation: the put that began it may have been sent twice, and the fence is raised by putting again.
        let record = watches.gone(state.record.as_bytes(), state.fence.load(Ordering::Acquire), None);
        let (why, lost) = tokio::select! {
            biased;
            () = tasks.closing() => (CLOSED, false),
            () = state.lease.lost() => (state.lease.why_lost().unwrap_or("lost"), true),
            () = record => ("its record was deleted: the lease was revoked or expired", true),
            () = state.idle_for(state.lease.ttl()) => ("idle", false),
            never = state.tell_suspicion() => match never {},
        };
        if lost {
            let (lease, users) = (state.lease.id(), *state.users.borrow());
            tracing::warn!(lease = format_args!("{lease:x}"), why, users, "session lost");
        }
        self.0
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, slot| !matches!(slot.beginning.peek(), Some(Ok(current)) if Arc::ptr_eq(current, &state)));
        if !leases.end(&state.lease, why).await && tasks.is_closing() {
            tasks.leave_behind();
        }
    }
}

/// Puts the session's record; gives its mod revision. May be sent twice: a later one only raises the fence.
async fn put_record(door: &Door, record: &str, value: Vec<u8>, lease: i64) -> Result<i64> {
    door.put(record.into(), value, lease, CallKind::Repeatable).await
}

/// Who we are, for people who look into etcd.
fn record_value() -> Vec<u8> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let record = serde_json::json!({
        "host": host.trim(),
        "pid": std::process::id(),
        "program": program.unwrap_or_default(),
        "since": unix_seconds(),
    });
    record.to_string().into_bytes()
}

/// Gives the lease back when beginning the session fails or is given up.
struct EndOnDrop<'a> {
    sessions: &'a Sessions,
    lease: Option<Lease>,
}

impl EndOnDrop<'_> {
    fn disarm(mut self) {
        self.lease = None;
    }
}

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            let leases = self.sessions.0.leases.clone();
            self.sessions.0.tasks.spawn_cleanup(async move {
                leases.end(&lease, "the session could not begin").await;
            });
        }
    }
}

impl State {
    /// Says in the log that a renewal is overdue, once each time, and that one came after all. That the session is lost is
    /// for others to say.
    async fn tell_suspicion(&self) -> Infallible {
        let id = self.lease.id();
        loop {
            self.lease.suspect().await;
            tracing::warn!(lease = format_args!("{id:x}"), "session suspect: a renewal is overdue");
            while !self.lease.is_fresh() {
                tokio::time::sleep(self.lease.ttl() / 20).await;
            }
            tracing::info!(lease = format_args!("{id:x}"), "session held: it was renewed after all");
        }
    }

    /// Ends when nobody has used the session for `idle`; it is retired then and cannot be joined any more.
    async fn idle_for(&self, idle: Duration) {
        let mut users = self.users.subscribe();
        loop {
            if users.wait_for(|users| *users == 0).await.is_err() {
                return;
            }
            tokio::select! {
                used = users.wait_for(|users| *users != 0) => {
                    if used.is_err() {
                        return;
                    }
                }
                () = tokio::time::sleep(idle) => {
                    let retired = self.users.send_if_modified(|users| {
                        let idle = *users == 0;
                        if idle {
                            *users = RETIRED;
                        }
                        idle
                    });
                    if retired {
                        return;
                    }
                }
            }
        }
    }
}

/// One user's share in a session. Dropping it leaves the session.
#[derive(Debug)]
pub(crate) struct Session(Arc<State>);

impl Session {
    fn join(state: Arc<State>, only_fresh: bool) -> Option<Self> {
        if !state.lease.is_held() || (only_fresh && !state.lease.is_fresh()) {
            return None;
        }
        let joined = state.users.send_if_modified(|users| {
            let open = *users != RETIRED;
            if open {
                *users += 1;
            }
            open
        });
        joined.then_some(Self(state))
    }

    pub(crate) fn lease(&self) -> &Lease {
        &self.0.lease
    }

    /// The key of the record, on whose revision transactions are guarded.
    pub(crate) fn record(&self) -> &str {
        &self.0.record
    }

    /// The revision of the record to demand.
    pub(crate) fn fence(&self) -> i64 {
        self.0.fence.load(Ordering::Acquire)
    }

    /// The record was seen at this revision. Another contender of this session raised the fence.
    pub(crate) fn saw_fence(&self, revision: i64) {
        self.0.fence.fetch_max(revision, Ordering::AcqRel);
    }

    /// The newest revision at which the store has answered: to be read before it is asked again.
    pub(crate) fn seen(&self) -> i64 {
        self.0.seen.load(Ordering::Acquire)
    }

    /// The store has answered at `revision`, when it was known before that it had come to `seen`. One that has gone back
    /// was restored from a backup, and may hold keys under our lease that we have given back since: the session ends, with
    /// all of them.
    pub(crate) fn saw(&self, seen: i64, revision: i64) {
        if revision < seen {
            self.0.lease.lose("the cluster was restored from a backup");
        }
        self.0.seen.fetch_max(revision, Ordering::AcqRel);
    }

    /// Raises the fence: no older transaction of this session can be applied any more.
    ///
    /// # Errors
    /// Those of a put; NotFound means the lease is gone.
    pub(crate) async fn raise_fence(&self, deadline: Deadline) -> Result<()> {
        let door = self.0.door.clone().for_cleanup().until(deadline);
        let revision = put_record(&door, &self.0.record, self.0.value.clone(), self.0.lease.id()).await?;
        self.saw_fence(revision);
        Ok(())
    }

    /// The error of whoever depended on it.
    pub(crate) fn lost(&self, op: &'static str, key: &str) -> Error {
        let why = self.0.lease.why_lost().unwrap_or("its time is over");
        if why == CLOSED {
            return Error::closed(op).with_key(key);
        }
        Error::new(ErrorKind::Lost, op).with_key(key).with_detail(format!("the session is lost: {why}"))
    }

    /// A name below `queue` (with its trailing slash) that no other contender of this session has.
    pub(crate) fn claim_name(&self, queue: &str) -> Name {
        Names::claim(&self.0.names, queue)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.0.users.send_modify(|users| *users = if *users == RETIRED { RETIRED } else { users.saturating_sub(1) });
    }
}
