//! # gocore_etcd
//!
//! etcd for programs that run in production. Capabilities on one client: distributed locks and leader election (and, to
//! come, service registration, service discovery and distributed configuration). It shares its layout in etcd with the
//! Go package `go-core/etcd`, so that programs of both form one fleet.
//!
//! ```no_run
//! use std::time::Duration;
//! use gocore_etcd_core::{Client, ClientConfig};
//!
//! # async fn example() -> gocore_etcd_core::Result<()> {
//! let client = Client::connect(ClientConfig::new(["127.0.0.1:2379"])).await?;
//! let lock = client.lock("jobs/cleanup", Duration::from_secs(10)).await?;
//! tokio::select! {
//!     () = lock.lost() => {}            // stop: the next owner may begin any moment now
//!     () = async { /* the work */ } => {}
//! }
//! lock.unlock().await?;
//! client.close().await
//! # }
//! ```
//!
//! # Layout
//! Data comes in through one door and goes through one corridor into rooms with a name a user knows:
//!
//! - [`Client`], [`ClientConfig`]: connect, close; the owner of every background task
//! - `transport`: what etcd-client lacks: endpoint health, retries, tokens
//! - [`kv`]: keys and values, the one door to etcd; `range`, `txn`: which keys, and the plan of a transaction
//! - `lease`: granted, kept alive on few shared streams, with a local deadline
//! - `watch`: resilient, bounded watches on shared streams
//! - `session`: a lease with a record and a fence; `contender`: the ordered queue
//! - [`lock`](mod@lock): the lock; [`election`]: campaigning, leading, observing
//! - `keyspace`, `time`, `tasks`, [`Error`]: what all stand on
//!
//! # Guarantees
//! - Nothing waits longer than its deadline because etcd is away; only calls that wait for others wait without one.
//! - No write of yours is sent again that may have been applied: [`Error::maybe_applied`] says so, and the recipes read
//!   back. What they repeat themselves does nothing when a second copy arrives, however late: proclaiming and withdrawing
//!   are guarded by the revision they were decided at, a grant has an id of its own, a lease is revoked but once, and to
//!   put a session's record again only fences off what is older.
//! - A lock or leadership is lost here before the server can give it away, under the conditions that
//!   [`lock`](mod@lock) names.
//! - [`Client::close`] leaves no task behind and gives everything back.
//!
//! # Cancel safety
//! Each async function says what dropping its future does. What it may have left in etcd is cleaned up in the background,
//! with the lease's expiry as backstop.
//!
//! # Errors
//! One [`Error`] with a [kind](ErrorKind) that says what to do, whether trying again can help, and whether the request
//! may have been applied.

#![forbid(unsafe_op_in_unsafe_fn)]
#![deny(unsafe_code)]

// Foreign threads, forks and signals cannot be had without libc.
#[cfg(feature = "bridge")]
#[doc(hidden)]
#[allow(unsafe_code)]
pub mod bridge;
mod client;
mod client_config;
mod contender;
pub mod election;
mod error;
mod keyspace;
pub mod kv;
mod lease;
pub mod lock;
mod range;
mod session;
mod tasks;
// The only file that reads a clock, which is a call into libc.
#[allow(unsafe_code)]
mod time;
mod transport;
mod txn;
mod watch;

pub use client::Client;
pub use client_config::{ClientConfig, Pem, TlsConfig};
pub use election::{Candidacy, CandidacyState, Leader, Leadership, Observation};
pub use error::{Error, ErrorKind, Result};
pub use etcd_client;
pub use kv::{Change, KeyValue, Kv, KvWatch, Listing, PutOptions, WatchUpdate};
pub use lock::Lock;
pub use range::{Order, Range};
pub use txn::{Cmp, Compare, Guard, Op, OpResult, Txn, TxnResult};

/// The README's example compiles as it stands (tests/tests/lock runs it): a test of the documentation, not a part of it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
