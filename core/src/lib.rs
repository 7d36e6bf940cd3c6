//! gocore_etcd core.
#![forbid(unsafe_op_in_unsafe_fn)]
#![deny(unsafe_code)]

mod error;
mod keyspace;
mod tasks;
#[allow(unsafe_code)]
mod time;

pub use error::{Error, ErrorKind, Result};
