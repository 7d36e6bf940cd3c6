//! Moves the bytes of one connection, each when the gate lets it.

use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{Gate, Shared};

/// How much may be on its way in one direction; enough for a delayed connection at full speed.
const IN_FLIGHT: usize = 4 << 20;
const CHUNK: usize = 64 << 10;

/// Which way a byte goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// Client to target.
    Request,
    /// Target to client.
    Answer,
}

/// Ends when both sides have said all (`Ok`), or when the connection broke or was cut (`Err`; it is then reset).
pub(super) async fn both(
    shared: &Shared,
    client: TcpStream,
    target: TcpStream,
    source: Option<usize>,
    epoch: u64,
) -> io::Result<()> {
    // Whether to wait for more before sending is the ends' business.
    let _ = client.set_nodelay(true).and(target.set_nodelay(true));
    let (client_out, mut client_in) = client.into_split();
    let (target_out, mut target_in) = target.into_split();
    let pump = |direction, counter| {
        let gate = shared.gate.subscribe();
        Pump { gate, direction, source, epoch, counter, queue: Queue::default() }
    };
    let requests = pump(Direction::Request, &shared.requested).run(&client_out, &mut target_in);
    let answers = pump(Direction::Answer, &shared.answered).run(&target_out, &mut client_in);
    let ended = tokio::try_join!(requests, answers);
    if ended.is_err() {
        // The end of a cut or broken connection is a reset, not a polite farewell (which dropping a half would send).
        for half in [client_in, target_in] {
            let _ = half.as_ref().set_zero_linger();
            half.forget();
        }
    }
    ended.map(|_| ())
}

struct Pump<'a> {
    gate: watch::Receiver<Gate>,
    direction: Direction,
    source: Option<usize>,
    epoch: u64,
    counter: &'a AtomicU64,
    queue: Queue,
}

impl Pump<'_> {
    async fn run(mut self, from: &OwnedReadHalf, to: &mut OwnedWriteHalf) -> io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        let mut ended = false;
        while !(ended && self.queue.chunks.is_empty()) {
            let open = self.lets()?;
            tokio::select! {
                _ = self.gate.changed() => {}
                ready = from.readable(), if open && !ended && self.queue.bytes < IN_FLIGHT => {
                    ready?;
                    match from.try_read(&mut buffer) {
                        Ok(0) => ended = true,
                        Ok(n) => self.queue.push(&buffer[..n], Instant::now() + self.gate.borrow().delay()),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(error),
                    }
                }
                ready = due(self.queue.due(), to), if open => {
                    ready?;
                    self.forward(to)?;
                }
            }
        }
        to.shutdown().await
    }

    fn lets(&mut self) -> io::Result<bool> {
        let gate = self.gate.borrow_and_update();
        if gate.cuts(self.epoch) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(gate.lets(self.direction, self.source))
    }

    /// Forwards what is due, holding the gate's lock, so that nothing passes once a change of mode has returned.
    fn forward(&mut self, to: &OwnedWriteHalf) -> io::Result<()> {
        let gate = self.gate.borrow();
        if gate.cuts(self.epoch) || !gate.lets(self.direction, self.source) {
            return Ok(());
        }
        while let Some(chunk) = self.queue.ready() {
            match to.try_write(chunk) {
                Ok(n) => {
                    self.counter.fetch_add(n as u64, Relaxed);
                    self.queue.written(n);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Waits until something is due and can be written.
async fn due(at: Option<Instant>, to: &OwnedWriteHalf) -> io::Result<()> {
    match at {
        // A timer would round up to the next millisecond.
        Some(at) if at <= Instant::now() => {}
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
    to.writable().await
}

/// Bytes on their way, each with the time of its arrival.
#[derive(Default)]
struct Queue {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    /// How much of the first chunk is written.
    done: usize,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, bytes: &[u8], due: Instant) {
        // A shortened delay must not let bytes overtake.
        let due = self.chunks.back().map_or(due, |(last, _)| due.max(*last));
        self.bytes += bytes.len();
        self.chunks.push_back((due, bytes.to_vec()));
    }

    fn due(&self) -> Option<Instant> {
        self.chunks.front().map(|(due, _)| *due)
    }

    fn ready(&self) -> Option<&[u8]> {
        let (due, chunk) = self.chunks.front()?;
        (*due <= Instant::now()).then(|| &chunk[self.done..])
    }

    fn written(&mut self, n: usize) {
        self.bytes -= n;
        self.done += n;
        if self.chunks.front().is_some_and(|(_, chunk)| chunk.len() == self.done) {
            self.chunks.pop_front();
            self.done = 0;
        }
    }
}
