//! Which member is at the other end of a peer connection: etcd's members do not bind their outgoing address, so the
//! kernel's tables are asked for the process that holds the socket.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The index of the process in `pids` that owns the local end `address`.
pub(super) fn owner(address: SocketAddr, pids: &[Arc<AtomicU32>]) -> Option<usize> {
    let socket = format!("socket:[{}]", inode(address.port())?);
    pids.iter().position(|pid| {
        let Ok(open) = fs::read_dir(format!("/proc/{}/fd", pid.load(Relaxed))) else { return false };
        open.flatten().any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
    })
}

/// The inode of the loopback socket with that local port which is connected to somebody.
fn inode(port: u16) -> Option<String> {
    let local = format!("0100007F:{port:04X}");
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let rows = table.lines().map(|row| row.split_ascii_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(1) == Some(&local.as_str())).find_map(|row| match row.get(9) {
        Some(&"0") | None => None,
        Some(inode) => Some((*inode).to_owned()),
    })
}
