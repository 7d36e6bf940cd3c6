//! Dispatching callbacks
//!
//! An application with a loop of its own has the callbacks of a client run there: it connects with
//! GOCORE_ETCD_CALLBACKS_DISPATCH, polls gocore_etcd_client_dispatch_fd and calls gocore_etcd_client_dispatch. (The log's
//! callbacks belong to no client and run on threads of the library.)

use gocore_etcd_core::ErrorKind;
use gocore_etcd_core::bridge::failed;

use crate::args::{Handle, handle, limit};
use crate::callback::Deliver;
use crate::client::gocore_etcd_client;
use crate::entry_point::{OK, enter, getter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::Plain;

/// Runs the callbacks of this client that are due, here. `*count` (which may be NULL) is how many ran.
///
/// `max`: at most so many; 0 is what is there. `timeout_ms`: how long to wait for the first: 0 is not at all, and that
/// none came is no error.
///
/// Closing the client does not end a call that waits; gocore_etcd_client_free does, and what is still to come then runs on
/// threads of the library.
///
/// Ownership: borrows `client`; the caller frees `*err`. Threads: any, several at once too: the callbacks of one
/// subscription still run one at a time; blocks for `timeout_ms`, and for the callbacks that it runs. Errors: INVALID_ARGUMENT; WRONG_CONTEXT when the client was connected without
/// GOCORE_ETCD_CALLBACKS_DISPATCH. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_dispatch(
    client: *mut gocore_etcd_client,
    max: usize,
    timeout_ms: i64,
    count: *mut usize,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "client.dispatch";
    enter(op, err, || {
        let out = Plain::new(count);
        let client = handle(op, "client", client)?;
        let limit = limit(op, timeout_ms)?;
        let Deliver::Dispatch(queue) = &client.deliver else {
            let why = "connected without GOCORE_ETCD_CALLBACKS_DISPATCH: its callbacks run on the library's threads";
            return Err(failed(ErrorKind::WrongContext, op, why));
        };
        out.put(queue.dispatch(max, limit));
        Ok(OK)
    })
}

/// A file descriptor that is readable while callbacks are due: for poll, select, epoll. Never read from it, never close it.
///
/// Ownership: it belongs to the client and is closed with the last handle of it. NULL, and a client connected without
/// GOCORE_ETCD_CALLBACKS_DISPATCH, give -1. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_dispatch_fd(client: *const gocore_etcd_client) -> i32 {
    getter(client, -1, |client| match Handle::shared(client).peek().deliver {
        Deliver::Dispatch(ref queue) => queue.fd(),
        Deliver::Threads | Deliver::Own(_) => -1,
    })
}
