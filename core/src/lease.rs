//! Leases: granted, kept alive, revoked.
//!
//! A [`Lease`] knows by itself when it is over: the server counts its time from a renewal's arrival, we count from the
//! renewal's sending, on a clock that runs through suspension, less a margin. So ours ends first, whatever the network
//! says. Renewals of many leases share few streams (`stream.rs`); what to send when is decided without I/O
//! (`renewals.rs`).
//!
//! # Costs
//! A grant and a revoke are one request and one proposal each. A renewal is a message on an open stream: no request,
//! and no proposal.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use etcd_client as etcd;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ErrorKind, Result};
use crate::kv::Door;
use crate::tasks::Tasks;
use crate::time::{BootTime, jittered, sleep_until};
use crate::transport::{Call, CallKind};

mod renewals;
mod stream;

/// The most leases that share one keep-alive stream: the server works a stream off one by one.
const LEASES_PER_STREAM: usize = 1000;

/// How often an id may be taken before something else is wrong.
const MOST_IDS_TAKEN: u32 = 3;

/// Why a lease was lost when its client was closed.
pub(crate) const CLOSED: &str = "the client was closed";

/// A time to live as etcd counts it: whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Ttl(u32);

impl Ttl {
    /// The longest: a lease is a promise to be gone soon. (etcd's own limit is 9,000,000,000 s.)
    pub(crate) const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

    /// Zero is the default; below a second is raised to one; fractions are rounded up.
    pub(crate) fn new(op: &'static str, given: Duration, default: Duration) -> Result<Self> {
        let ttl = if given.is_zero() { default } else { given };
        if ttl > Self::LONGEST {
            let why = format!("is longer than {} days", Self::LONGEST.as_secs() / 86400);
            return Err(Error::invalid(op, "ttl", why));
        }
        let rounded_up = ttl.as_secs() + u64::from(ttl.subsec_nanos() > 0);
        Ok(Self(u32::try_from(rounded_up.max(1)).unwrap_or(u32::MAX)))
    }

    /// As the server granted it; what is not positive counts as the least.
    fn granted(seconds: i64) -> Self {
        Self(u32::try_from(seconds.max(1)).unwrap_or(u32::MAX))
    }

    fn seconds(self) -> i64 {
        i64::from(self.0)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }

    /// How much earlier than the server we give up: for clocks that run apart, and for the wake-up of a timer.
    fn margin(self) -> Duration {
        (self.duration() / 50).clamp(Duration::from_millis(50), Duration::from_millis(500))
    }
}

/// What a lease is for. The kinds never share a stream: ten thousand registrations must not delay one lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Locks and elections.
    Exclusion,
}

/// One lease, as far as we may believe in it. Clones are the same lease.
#[derive(Clone, Debug)]
pub(crate) struct Lease(Arc<State>);

#[derive(Debug)]
struct State {
    id: i64,
    /// The granted seconds.
    ttl: AtomicU64,
    /// Until when we hold, in nanoseconds of CLOCK_BOOTTIME; 0 once lost, for ever.
    held_until: AtomicU64,
    /// From when on a renewal is overdue.
    suspect_from: AtomicU64,
    lost: CancellationToken,
    why_lost: OnceLock<&'static str>,
}

impl Lease {
    fn new(id: i64, ttl: Ttl, sent: BootTime) -> Self {
        let state = State {
            id,
            ttl: AtomicU64::new(0),
            held_until: AtomicU64::new(u64::MAX),
            suspect_from: AtomicU64::new(0),
            lost: CancellationToken::new(),
            why_lost: OnceLock::new(),
        };
        let lease = Self(Arc::new(state));
        lease.confirm(ttl, sent, sent);
        lease
    }

    pub(crate) fn id(&self) -> i64 {
        self.0.id
    }

    pub(crate) fn ttl(&self) -> Duration {
        Duration::from_secs(self.0.ttl.load(Ordering::Relaxed))
    }

    /// Until when we hold if nothing more is heard.
    fn held_until(&self) -> BootTime {
        BootTime::from_nanos(self.0.held_until.load(Ordering::Acquire))
    }

    /// When the last confirmed renewal, or the grant, was sent.
    fn confirmed(&self) -> BootTime {
        let ttl = Ttl(u32::try_from(self.0.ttl.load(Ordering::Relaxed)).unwrap_or(u32::MAX));
        self.held_until().plus(ttl.margin()).minus(ttl.duration())
    }

    /// Whether we hold: a wait-free read that compares clocks itself, so that a process which was stopped for longer
    /// than the TTL sees false in its first read. Once false it stays false.
    pub(crate) fn is_held(&self) -> bool {
        let mut until = self.0.held_until.load(Ordering::Acquire);
        loop {
            if until == 0 {
                return false;
            }
            if BootTime::now().as_nanos() < until {
                return true;
            }
            // A renewal that is confirmed at this moment may win; then it is looked at. Each turn needs one.
            match self.0.held_until.compare_exchange(until, 0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return false,
                Err(now) => until = now,
            }
        }
    }

    /// Held, and no renewal is overdue.
    pub(crate) fn is_fresh(&self) -> bool {
        self.is_held() && BootTime::now().as_nanos() < self.0.suspect_from.load(Ordering::Acquire)
    }

    /// Ends when a renewal is overdue.
    pub(crate) async fn suspect(&self) {
        loop {
            let from = BootTime::from_nanos(self.0.suspect_from.load(Ordering::Acquire));
            if from <= BootTime::now() {
                return;
            }
            sleep_until(from).await;
        }
    }

    /// Ends when the lease is lost; many may wait.
    pub(crate) async fn lost(&self) {
        self.0.lost.cancelled().await;
    }

    pub(crate) fn lost_token(&self) -> &CancellationToken {
        &self.0.lost
    }

    /// Why it was lost, in words; None as long as it is held.
    pub(crate) fn why_lost(&self) -> Option<&'static str> {
        self.0.why_lost.get().copied()
    }

    /// A renewal sent at `sent` was answered. False when it came too late: what was once lost stays lost.
    fn confirm(&self, ttl: Ttl, sent: BootTime, now: BootTime) -> bool {
        let until = sent.plus(ttl.duration()).minus(ttl.margin()).as_nanos();
        let held = self.0.held_until.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| {
            let lost = old == 0 || (old != u64::MAX && now.as_nanos() >= old) || now.as_nanos() >= until;
            (!lost).then_some(until)
        });
        if held.is_ok() {
            self.0.ttl.store(u64::from(ttl.0), Ordering::Relaxed);
            self.0.suspect_from.store(sent.plus(ttl.duration() / 2).as_nanos(), Ordering::Release);
        }
        held.is_ok()
    }

    /// The lease is over for us, whoever says so. The first reason counts.
    pub(crate) fn lose(&self, why: &'static str) {
        self.0.held_until.store(0, Ordering::Release);
        if self.0.why_lost.set(why).is_ok() {
            tracing::info!(lease = format_args!("{:x}", self.0.id), why, "lease over");
        }
        self.0.lost.cancel();
    }
}

/// The leases of one client. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Leases(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    door: Door,
    tasks: Tasks,
    streams: Mutex<Vec<Stream>>,
}

/// A keep-alive stream's task, from outside.
#[derive(Clone, Debug)]
struct Stream {
    purpose: Purpose,
    alone: bool,
    /// About how many leases it carries.
    load: Arc<AtomicUsize>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Stream {
    fn keep(&self, lease: Lease) {
        self.load.fetch_add(1, Ordering::Relaxed);
        // The task ends only with the client, and then nothing is kept any more.
        if self.commands.send(Command::Keep(lease.clone())).is_err() {
            lease.lose(CLOSED);
        }
    }
}

/// What a keep-alive stream's task is told.
#[derive(Debug)]
enum Command {
    Keep(Lease),
    Forget(i64),
}

impl Leases {
    pub(crate) fn new(door: Door, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { door, tasks, streams: Mutex::new(Vec::new()) }))
    }

    /// Grants a lease and keeps it alive until [`Leases::end`] or its loss.
    ///
    /// The id is ours, random and positive, so that asking again is no second lease.
    ///
    /// # Cancel safety
    /// A lease that may have been granted is revoked in the background; its TTL is the backstop.
    pub(crate) async fn grant(&self, door: &Door, ttl: Ttl, purpose: Purpose) -> Result<Lease> {
        let mut ids_taken = 0;
        loop {
            match self.grant_once(door, ttl).await {
                Ok(lease) => {
                    self.keep(lease.clone(), purpose);
                    return Ok(lease);
                }
                // Ours, of an attempt whose answer was lost, or somebody else's: a machine that was restored from a
                // snapshot draws the numbers of its twin. A lease without keys is gone after its TTL; two owners of one
                // lease would be two owners of one lock.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && ids_taken < MOST_IDS_TAKEN => ids_taken += 1,
                Err(error) => return Err(error),
            }
        }
    }

    async fn grant_once(&self, door: &Door, ttl: Ttl) -> Result<Lease> {
        let id = random_id(door.op())?;
        let client = door.transport().lease();
        let call = Call { op: door.op(), key: &[], deadline: door.deadline(), kind: CallKind::Repeatable };
        let mut abandoned = Abandoned { leases: self, id, ttl, armed: true };
        let sent = BootTime::now();
        let request = door.transport().call(call, || {
            let mut client = client.clone();
            let options = etcd::LeaseGrantOptions::new().with_id(id);
            async move { client.grant(ttl.seconds(), Some(options)).await }
        });
        let granted = door.pass(true, request).await;
        // Never revoked when it may be somebody else's.
        abandoned.armed =
            granted.as_ref().is_err_and(|error| error.maybe_applied() && error.kind() != ErrorKind::AlreadyExists);
        Ok(Lease::new(id, Ttl::granted(granted?.0.ttl), sent))
    }

    fn is_closing(&self) -> bool {
        self.0.tasks.is_closing()
    }

    /// Hands a lease to a stream that has room, else to a new one.
    fn keep(&self, lease: Lease, purpose: Purpose) {
        let mut streams = self.0.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| !stream.commands.is_closed());
        let room = |stream: &&Stream| {
            !stream.alone && stream.purpose == purpose && stream.load.load(Ordering::Relaxed) < LEASES_PER_STREAM
        };
        match streams.iter().find(room) {
            Some(stream) => stream.keep(lease),
            None => {
                let stream = self.open(purpose, false);
                stream.keep(lease);
                streams.push(stream);
            }
        }
    }

    /// A stream for this lease alone: it has ended a shared one twice.
    fn keep_alone(&self, lease: Lease, purpose: Purpose) {
        let stream = self.open(purpose, true);
        stream.keep(lease);
        self.0.streams.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    }

    fn open(&self, purpose: Purpose, alone: bool) -> Stream {
        let (commands, orders) = mpsc::unbounded_channel();
        let load = Arc::new(AtomicUsize::new(0));
        let transport = self.0.door.transport().clone();
        let task = stream::Task::new(transport, orders, load.clone(), self.clone(), purpose, alone);
        self.0.tasks.spawn(task.run());
        Stream { purpose, alone, load, commands }
    }

    /// Ends a lease: nobody believes in it from now on, then it is revoked, with all its keys.
    ///
    /// Tried until it is known to be gone, at most for its TTL: then the server has expired it. False when that had to
    /// be relied on.
    pub(crate) async fn end(&self, lease: &Lease, why: &'static str) -> bool {
        lease.lose(why);
        for stream in self.0.streams.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // A task that has ended has forgotten everything.
            stream.commands.send(Command::Forget(lease.id())).unwrap_or_default();
        }
        self.revoke(lease.id(), lease.ttl()).await
    }

    async fn revoke(&self, id: i64, ttl: Duration) -> bool {
        let door = self.0.door.clone().named("lease.revoke").for_cleanup();
        let expired = BootTime::now().plus(ttl);
        let mut pause = Duration::from_millis(100);
        while BootTime::now() < expired {
            match revoke_once(&door, id).await {
                Ok(()) => return true,
                Err(error) => tracing::debug!(%error, lease = format_args!("{id:x}"), "revoke failed"),
            }
            tokio::time::sleep(jittered(pause)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        false
    }
}

/// From the system's own randomness: positive and, in 63 bits, nobody else's.
fn random_id(op: &'static str) -> Result<i64> {
    let random = getrandom::u64().map_err(|error| {
        let none = Error::new(ErrorKind::Internal, op).with_detail("the system gives no random numbers");
        none.with_source(error.to_string())
    })?;
    Ok(i64::try_from(random >> 1).unwrap_or(i64::MAX).max(1))
}

async fn revoke_once(door: &Door, id: i64) -> Result<()> {
    let client = door.transport().lease();
    let call = Call { op: door.op(), key: &[], deadline: door.deadline(), kind: CallKind::Repeatable };
    let request = door.transport().call(call, || {
        let mut client = client.clone();
        async move { client.revoke(id).await }
    });
    match door.pass(true, request).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// A grant that was given up on while it may still be applied.
struct Abandoned<'a> {
    leases: &'a Leases,
    id: i64,
    ttl: Ttl,
    armed: bool,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if self.armed {
            let (leases, id, ttl) = (self.leases.clone(), self.id, self.ttl.duration());
            self.leases.0.tasks.spawn_cleanup(async move {
                leases.revoke(id, ttl).await;
            });
        }
    }
}

#[cfg(test)]
mod tests;
