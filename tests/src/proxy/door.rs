//! The listening side of a proxy: open, closed (connections are refused), or deaf (their SYN is ignored).

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpStream as BlockingStream};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::port::Port;

const BACKLOG: libc::c_int = 1024;

pub(super) struct Door {
    port: Port,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Present while the port listens.
    listener: Option<TcpListener>,
    /// Nobody is let in although the port listens.
    deaf: bool,
    /// Our own connection that fills the accept queue while the door is deaf.
    plug: Option<BlockingStream>,
    /// Plugs of the past; they come out of the accept queue and are nobody's.
    pulled: Vec<SocketAddr>,
    /// Connections that were made before the door closed.
    arrived: VecDeque<(TcpStream, SocketAddr)>,
    /// Whoever waits in [`Door::next`].
    waker: Option<Waker>,
    shut: bool,
}

impl Door {
    /// Needs a tokio runtime to be entered, as all changes of the door do.
    pub(super) fn open() -> io::Result<Door> {
        let door = Door { port: Port::reserve()?, state: Mutex::default() };
        door.let_in()?;
        Ok(door)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Accepts from now on.
    pub(super) fn let_in(&self) -> io::Result<()> {
        let mut state = self.state();
        state.deaf = false;
        if let Some(plug) = state.plug.take() {
            state.pulled.extend(plug.local_addr());
        }
        match &state.listener {
            Some(listener) => resize(listener, BACKLOG)?,
            None => state.listener = Some(self.port.listen()?),
        }
        state.wake();
        Ok(())
    }

    /// Refuses from now on: nobody listens, the kernel answers with a reset.
    pub(super) fn refuse(&self) -> io::Result<()> {
        let mut state = self.state();
        if let Some(listener) = state.listener.take() {
            // Whoever has connected is in, also if nobody has picked the connection up yet.
            let listener = listener.into_std()?;
            while let (false, Ok((stream, from))) = (state.deaf, listener.accept()) {
                stream.set_nonblocking(true)?;
                state.arrived.push_back((TcpStream::from_std(stream)?, from));
            }
            stop_listening(&listener)?;
        }
        state.deaf = false;
        state.plug = None;
        state.pulled.clear();
        state.wake();
        Ok(())
    }

    /// Ignores from now on: with a full accept queue Linux drops each SYN, so that connecting hangs.
    pub(super) fn ignore(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.deaf {
            return Ok(());
        }
        state.deaf = true;
        if state.listener.is_none() {
            state.listener = Some(self.port.listen()?);
        }
        if let Some(listener) = &state.listener {
            // A queue of length 0 takes one connection: ours. If it hangs, somebody else's is in there: as good.
            resize(listener, 0)?;
            state.plug = BlockingStream::connect_timeout(&self.address(), Duration::from_millis(20)).ok();
        }
        Ok(())
    }

    /// Closes for good; [`next`](Door::next) ends.
    pub(super) fn shut(&self) {
        let mut state = self.state();
        state.listener = None;
        state.shut = true;
        state.wake();
    }

    /// The next connection, whenever the door lets one in.
    pub(super) async fn next(&self) -> Option<(TcpStream, SocketAddr)> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<(TcpStream, SocketAddr)>> {
        let mut state = self.state();
        state.waker = Some(cx.waker().clone());
        if state.shut {
            return Poll::Ready(None);
        }
        if let Some(arrived) = state.arrived.pop_front() {
            return Poll::Ready(Some(arrived));
        }
        while let (Some(listener), false) = (&state.listener, state.deaf) {
            match listener.poll_accept(cx) {
                Poll::Pending => break,
                Poll::Ready(Ok((_, from))) if state.pulled.contains(&from) => {
                    state.pulled.retain(|plug| *plug != from);
                }
                Poll::Ready(Ok(connection)) => return Poll::Ready(Some(connection)),
                // The client has gone before it was accepted.
                Poll::Ready(Err(_)) => {}
            }
        }
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Closing alone does not do it at once: a process that another test starts at this moment has a copy of the descriptor
/// from its fork until its exec, and the kernel would go on letting connections in for it.
fn stop_listening(listener: &std::net::TcpListener) -> io::Result<()> {
    // SAFETY: plain system call on a descriptor that `listener` keeps open.
    match unsafe { libc::shutdown(listener.as_raw_fd(), libc::SHUT_RDWR) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Listening again changes the length of the accept queue in place.
fn resize(listener: &TcpListener, backlog: libc::c_int) -> io::Result<()> {
    // SAFETY: plain system call on a descriptor that `listener` keeps open.
    match unsafe { libc::listen(listener.as_raw_fd(), backlog) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
