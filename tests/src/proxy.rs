//! A TCP proxy with the faults of a network. It runs on the harness's own runtime: whatever a test does to its own,
//! the proxy goes on.
//!
//! A change of mode takes effect before the call returns, on existing connections too: no byte passes under the old
//! mode afterwards. Bytes held back are not lost; they go on when the mode lets them, as with a real network.

mod door;
mod pump;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::runtime::harness;
use door::Door;
use pump::Direction;

/// What the proxy does to traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Everything goes through.
    Pass,
    /// Everything goes through, each byte this much later (rounded up to the next millisecond), in both directions.
    Delay(Duration),
    /// New connections are refused; existing ones go on.
    Refuse,
    /// Nothing goes through in either direction, and nothing says so: existing connections stay and fall silent, new
    /// ones get no answer to their SYN. (A frozen server differs: its kernel still accepts.)
    BlackHole,
    /// All connections are reset, new ones are refused.
    Cut,
    /// Requests arrive at the target, answers do not come back: what a lost answer is made of.
    HoldAnswers,
    /// Requests do not arrive, answers to earlier ones do.
    HoldRequests,
}

/// What went through a proxy so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Bytes from the clients to the target.
    pub requested: u64,
    /// Bytes from the target to the clients.
    pub answered: u64,
}

/// Who is at the other end of a connection, as far as that matters: see [`Proxy::mute`].
type Identify = dyn Fn(SocketAddr) -> Option<usize> + Send + Sync;

/// A proxy in front of one address; dropping it cuts everything.
pub struct Proxy {
    shared: Arc<Shared>,
}

struct Shared {
    target: SocketAddr,
    door: Door,
    gate: watch::Sender<Gate>,
    identify: Box<Identify>,
    accepted: AtomicU64,
    open: AtomicU64,
    requested: AtomicU64,
    answered: AtomicU64,
}

/// What a byte has to pass. Pumps hold its read lock while they forward, so that a change waits for them.
#[derive(Debug, Clone)]
struct Gate {
    mode: Mode,
    /// Connections of an earlier epoch are reset.
    epoch: u64,
    /// A bit for each source whose traffic is swallowed.
    muted: u64,
}

impl Proxy {
    /// Starts passing everything to `target`, which need not be listening yet.
    ///
    /// # Panics
    /// When no loopback port can be had.
    pub fn start(target: SocketAddr) -> Proxy {
        Proxy::start_identifying(target, |_| None)
    }

    /// As [`start`](Proxy::start), with sources that can be muted one by one.
    pub(crate) fn start_identifying(
        target: SocketAddr,
        identify: impl Fn(SocketAddr) -> Option<usize> + Send + Sync + 'static,
    ) -> Proxy {
        let _runtime = harness().enter();
        let shared = Arc::new(Shared {
            target,
            door: Door::open().expect("a loopback port for the proxy"),
            gate: watch::Sender::new(Gate { mode: Mode::Pass, epoch: 0, muted: 0 }),
            identify: Box::new(identify),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            requested: AtomicU64::new(0),
            answered: AtomicU64::new(0),
        });
        harness().spawn(accept(shared.clone()));
        Proxy { shared }
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.shared.door.address()
    }

    /// `127.0.0.1:port`.
    pub fn endpoint(&self) -> String {
        self.address().to_string()
    }

    /// The mode it is in.
    pub fn mode(&self) -> Mode {
        self.shared.gate.borrow().mode
    }

    /// Changes the mode; it is in effect when this returns.
    ///
    /// # Panics
    /// When the port cannot be listened on again.
    pub fn set(&self, mode: Mode) {
        // Bytes first: between the two steps a connection may open, but it carries nothing.
        self.shared.gate.send_modify(|gate| {
            gate.mode = mode;
            gate.epoch += u64::from(mode == Mode::Cut);
        });
        let _runtime = harness().enter();
        match mode {
            Mode::Pass | Mode::Delay(_) | Mode::HoldAnswers | Mode::HoldRequests => self.shared.door.let_in(),
            Mode::Refuse | Mode::Cut => self.shared.door.refuse(),
            Mode::BlackHole => self.shared.door.ignore(),
        }
        .expect("the proxy's port is reserved");
    }

    /// [`Mode::Pass`]: the fault is over.
    pub fn pass(&self) {
        self.set(Mode::Pass);
    }

    /// [`Mode::Delay`].
    pub fn delay(&self, by: Duration) {
        self.set(Mode::Delay(by));
    }

    /// [`Mode::Refuse`].
    pub fn refuse(&self) {
        self.set(Mode::Refuse);
    }

    /// [`Mode::BlackHole`].
    pub fn black_hole(&self) {
        self.set(Mode::BlackHole);
    }

    /// [`Mode::Cut`].
    pub fn cut(&self) {
        self.set(Mode::Cut);
    }

    /// [`Mode::HoldAnswers`].
    pub fn hold_answers(&self) {
        self.set(Mode::HoldAnswers);
    }

    /// [`Mode::HoldRequests`].
    pub fn hold_requests(&self) {
        self.set(Mode::HoldRequests);
    }

    /// Resets every connection that is open now; the mode stays, so clients may come back at once. What was held back
    /// is lost.
    pub fn drop_connections(&self) {
        self.shared.gate.send_modify(|gate| gate.epoch += 1);
    }

    /// Swallows the traffic of one source (a cluster's member), or lets it through again.
    pub(crate) fn mute(&self, source: usize, muted: bool) {
        self.shared.gate.send_modify(|gate| {
            let bit = 1 << source;
            gate.muted = if muted { gate.muted | bit } else { gate.muted & !bit };
        });
    }

    /// What went through so far; every byte that has arrived anywhere is in it.
    pub fn traffic(&self) -> Traffic {
        // Waits for whoever is between forwarding and counting.
        self.shared.gate.send_if_modified(|_| false);
        let Shared { accepted, open, requested, answered, .. } = &*self.shared;
        Traffic {
            accepted: accepted.load(Relaxed),
            open: open.load(Relaxed),
            requested: requested.load(Relaxed),
            answered: answered.load(Relaxed),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.gate.send_modify(|gate| {
            gate.mode = Mode::Cut;
            gate.epoch += 1;
        });
        self.shared.door.shut();
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.address(), self.shared.target);
        write!(f, "Proxy({from} → {to}, {:?}, {:?})", self.mode(), self.traffic())
    }
}

impl Gate {
    fn lets(&self, direction: Direction, source: Option<usize>) -> bool {
        let muted = source.is_some_and(|source| self.muted & (1 << source) != 0);
        !muted
            && match self.mode {
                Mode::Pass | Mode::Delay(_) | Mode::Refuse => true,
                Mode::BlackHole | Mode::Cut => false,
                Mode::HoldAnswers => direction == Direction::Request,
                Mode::HoldRequests => direction == Direction::Answer,
            }
    }

    /// Whether a connection of that epoch is to be reset. One that slipped in while the door was closing is, too.
    fn cuts(&self, epoch: u64) -> bool {
        self.epoch != epoch || self.mode == Mode::Cut
    }

    fn delay(&self) -> Duration {
        match self.mode {
            Mode::Delay(by) => by,
            _ => Duration::ZERO,
        }
    }
}

async fn accept(shared: Arc<Shared>) {
    while let Some((client, from)) = shared.door.next().await {
        let epoch = shared.gate.borrow().epoch;
        harness().spawn(serve(shared.clone(), client, from, epoch));
    }
}

/// One connection, from its acceptance to its end.
async fn serve(shared: Arc<Shared>, client: TcpStream, from: SocketAddr, epoch: u64) {
    shared.accepted.fetch_add(1, Relaxed);
    shared.open.fetch_add(1, Relaxed);
    let source = (shared.identify)(from);
    match connect(&shared, epoch).await {
        // What ends a connection between two others is for them to say.
        Ok(target) => drop(pump::both(&shared, client, target, source, epoch).await),
        Err(_) => drop(client.set_zero_linger()),
    }
    shared.open.fetch_sub(1, Relaxed);
}

async fn connect(shared: &Shared, epoch: u64) -> io::Result<TcpStream> {
    let mut gate = shared.gate.subscribe();
    tokio::select! {
        target = TcpStream::connect(shared.target) => target,
        _ = gate.wait_for(|gate| gate.cuts(epoch)) => Err(io::ErrorKind::ConnectionReset.into()),
    }
}
