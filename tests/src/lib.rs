//! The test harness: real etcd servers and clusters, and every fault a network or an operator has for them.
//!
//! A test makes its situation in one line and then reads as the story of what happens:
//!
//! ```no_run
//! # async fn story() {
//! use gocore_etcd_tests::Cluster;
//! let cluster = Cluster::start(3).await;
//! let leader = cluster.leader().await;
//! cluster.freeze(leader);
//! # }
//! ```
//!
//! # Layout
//! - [`binary`]: which etcd is run, and how it gets onto the machine
//! - [`server`]: one private server: options (auth, TLS, quota), freeze, kill, restart, backups, log
//! - [`cluster`]: several members, a proxy in front of each client port and each peer port
//! - [`proxy`]: a TCP proxy that passes, delays, refuses, swallows, holds one direction, cuts
//! - [`metrics`]: what a server counted: requests by method, proposals
//! - [`install`]: the C library, installed as users do
//! - [`cargo`]: building from within a program that cargo runs
//! - [`python`]: the Python package, built and installed as users do
//! - [`tls`]: certificates, right ones and wrong ones
//! - [`process`]: agents in processes of their own, with one JSON event a line
//! - [`agents`]: the agents' programs, one a language
//! - [`c`]: programs in C and C++, compiled against the headers and the built library
//! - [`story`]: what many scenarios do and look at; [`history`]: what really was, as etcd has kept it
//! - [`eventually`](mod@eventually), [`clock`], [`seed`], [`skip`], [`trace`]: the small tools of a test
//!
//! Every process started here dies with the test process, however that ends. When a test panics, the log of its
//! servers is printed.

pub mod agents;
pub mod binary;
pub mod c;
pub mod cargo;
mod child;
pub mod clock;
pub mod cluster;
pub mod eventually;
pub mod history;
mod http;
pub mod install;
mod made;
pub mod metrics;
mod port;
pub mod process;
pub mod proxy;
pub mod python;
mod runtime;
pub mod seed;
pub mod server;
pub mod skip;
pub mod story;
pub mod tls;
pub mod trace;

pub use binary::Etcd;
pub use cluster::{Cluster, ClusterOptions};
pub use eventually::eventually;
pub use metrics::Metrics;
pub use process::Agent;
pub use proxy::{Mode, Proxy};
pub use server::{Auth, Server, ServerOptions, Token};
pub use skip::{not_judged, not_run, not_to_be_had};
pub use tls::Pki;
pub use trace::Log;
