//! Loopback ports that stay ours, also while nobody listens on them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use tokio::net::{TcpListener, TcpSocket};

/// A free port, reserved as long as this lives: a bound socket that never listens. Whoever binds with SO_REUSEADDR,
/// as Go and we do, can listen beside it; nobody is given the port by chance, so a killed server finds it free
/// again, and until then connections are refused.
pub(crate) struct Port {
    reservation: TcpSocket,
}

impl Port {
    pub(crate) fn reserve() -> io::Result<Port> {
        Ok(Port { reservation: bind(0)? })
    }

    pub(crate) fn number(&self) -> u16 {
        self.address().port()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.reservation.local_addr().expect("a bound socket has an address")
    }

    /// Listens on it; needs a tokio runtime to be entered.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        bind(self.number())?.listen(1024)
    }
}

fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}
