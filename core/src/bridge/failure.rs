//! What a surface must be able to say about a failure: the key that it knows, the argument that it refused.

use std::fmt;

use crate::error::{Error, ErrorKind};

/// The error with this key, unless it names one: an operation that was cancelled or timed out here knows none.
pub fn or_key(error: Error, key: impl AsRef<[u8]>) -> Error {
    error.or_key(key)
}

/// InvalidArgument, found before anything was begun: `argument` is its name as the caller wrote it.
pub fn invalid(op: &'static str, argument: &str, why: impl fmt::Display) -> Error {
    Error::invalid(op, argument, why)
}

/// A failure of any kind that begins in the surface.
pub fn failed(kind: ErrorKind, op: &'static str, detail: impl Into<String>) -> Error {
    Error::new(kind, op).with_detail(detail)
}

/// The same failure under the name of the operation that the user called.
pub fn renamed(error: Error, op: &'static str) -> Error {
    error.with_op(op)
}

/// The same failure, of a write that was given up while it was under way.
pub fn maybe_applied(error: Error) -> Error {
    error.with_maybe_applied(true)
}
