//! The native module `gocore_etcd._native`: one start function per capability, and a queue of answers.
//!
//! No thread of ours ever attaches to the interpreter. A start function gives an operation and returns at once. Started
//! for a waiter, named by a number that Python chose, it has begun, and its answer goes into the [`queue::Queue`], from
//! which a Python thread takes it. Started for none, it is begun by who waits: a blocking call, in the operation's
//! [`slot::Slot`], which after a moment has the answer go to a waiter after all (`gocore_etcd/_call.py`); or a task of
//! asyncio, in the [`inbox::Inbox`] of its event loop (`gocore_etcd/aio/_call.py`).
//!
//! # Layout
//! - [`call`]: starting an operation, its answer
//! - [`slot`]: the way of one answer
//! - [`inbox`]: what an event loop watches
//! - [`queue`]: what the dispatcher thread waits on, and blocking calls at first
//! - [`way_back`]: the end of the program, for threads that wait here
//! - [`feed`]: what goes on and on, taken by its consumer itself
//! - [`held`]: what is had until it is given back or lost
//! - [`client`], [`kv`], [`watch`], [`lock`], [`election`], [`leadership`], [`candidacy`]: the capabilities
//! - [`values`]: the keys and changes that these give
//! - [`log`]: the core's log, for Python's logging
//! - [`error`]: the core's errors as the exceptions of `gocore_etcd/_errors.py`

use pyo3::prelude::*;

mod call;
mod candidacy;
mod client;
mod election;
mod error;
mod feed;
mod held;
mod inbox;
mod kv;
mod leadership;
mod lock;
mod log;
mod queue;
mod slot;
mod values;
mod watch;
mod way_back;

/// The core of the package gocore_etcd; not for use by others.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::call::{Answer, Operation};
    #[pymodule_export]
    use crate::candidacy::{Candidacy, candidacy_news, candidacy_resign, election_candidacy};
    #[pymodule_export]
    use crate::client::{Client, client_close, client_connect};
    #[pymodule_export]
    use crate::election::{election_campaign, election_leader, election_observe, election_try_campaign};
    #[pymodule_export]
    use crate::error::{Failure, error_kinds};
    #[pymodule_export]
    use crate::feed::Feed;
    #[pymodule_export]
    use crate::held::Guard;
    #[pymodule_export]
    use crate::inbox::Inbox;
    #[pymodule_export]
    use crate::kv::{kv_delete, kv_get, kv_list, kv_put, kv_txn};
    #[pymodule_export]
    use crate::leadership::{
        Leadership, leadership_leader, leadership_loss, leadership_observe, leadership_proclaim, leadership_put,
        leadership_resign,
    };
    #[pymodule_export]
    use crate::lock::{Lock, lock_acquire, lock_loss, lock_put, lock_try_acquire, lock_unlock};
    #[pymodule_export]
    use crate::log::Log;
    #[pymodule_export]
    use crate::queue::Queue;
    #[pymodule_export]
    use crate::values::{Changes, Connected, Delete, KeyValue, Put, Snapshot};
    #[pymodule_export]
    use crate::watch::kv_watch;
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
