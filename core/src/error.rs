//! What can go wrong, in few kinds, each with one thing to do about it.
//!
//! An [`Error`] names the operation (`lock.acquire`), the key where there is one, the kind, whether trying again can
//! help and whether the request may have been applied although it failed. These two facts are set by the layer that
//! knows; a caller never has to guess them from a text. Secrets never reach an error.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of everything in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it was, and so what the caller should do.
///
/// The numbers are fixed: they are the status codes of the C library and have the same names in Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i32)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument was wrong: fix the call. Nothing was sent.
    InvalidArgument = 1,
    /// It is not there: treat it as absent.
    NotFound = 2,
    /// Somebody else has this id: choose another.
    AlreadyExists = 3,
    /// A compare failed: read again and redo.
    Conflict = 4,
    /// Somebody else holds it.
    NotAcquired = 5,
    /// The session, lock or leadership is gone: stop the work that depends on it now.
    Lost = 6,
    /// The history asked for was compacted: list again.
    Compacted = 7,
    /// The deadline passed; [`Error::maybe_applied`] says whether a write may have happened.
    DeadlineExceeded = 8,
    /// The caller gave the call up.
    Cancelled = 9,
    /// No endpoint, or no quorum: try later.
    Unavailable = 10,
    /// User name, password or token were refused: fix the credentials.
    Unauthenticated = 11,
    /// The user may not do this: fix the rights.
    PermissionDenied = 12,
    /// Too much: slow down, free space, or send less.
    ResourceExhausted = 13,
    /// The server or this build cannot do it.
    Unsupported = 14,
    /// It was closed by its owner.
    Closed = 15,
    /// Misuse: waiting for oneself, a blocking call in an event loop, use after a fork.
    WrongContext = 16,
    /// A bug, or a panic that was caught: report it.
    Internal = 17,
    /// What lies in etcd or in a file cannot be read; the error names the key and the place.
    Malformed = 18,
    /// The source takes no writes.
    ReadOnly = 19,
}

impl ErrorKind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [ErrorKind; 19] = [
        Self::InvalidArgument,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::NotAcquired,
        Self::Lost,
        Self::Compacted,
        Self::DeadlineExceeded,
        Self::Cancelled,
        Self::Unavailable,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::Unsupported,
        Self::Closed,
        Self::WrongContext,
        Self::Internal,
        Self::Malformed,
        Self::ReadOnly,
    ];

    /// The kind in words, as it stands in an error's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidArgument => "invalid argument",
            Self::NotFound => "not found",
            Self::AlreadyExists => "already exists",
            Self::Conflict => "conflict",
            Self::NotAcquired => "not acquired",
            Self::Lost => "lost",
            Self::Compacted => "compacted",
            Self::DeadlineExceeded => "deadline exceeded",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission denied",
            Self::ResourceExhausted => "resource exhausted",
            Self::Unsupported => "unsupported",
            Self::Closed => "closed",
            Self::WrongContext => "wrong context",
            Self::Internal => "internal error",
            Self::Malformed => "malformed",
            Self::ReadOnly => "read only",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an operation failed. Cheap to clone: one failure may have many to tell.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    op: &'static str,
    key: Option<String>,
    detail: Option<String>,
    retryable: bool,
    maybe_applied: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, op: &'static str) -> Self {
        let retryable = matches!(kind, ErrorKind::Unavailable | ErrorKind::DeadlineExceeded);
        Self(Box::new(Repr { kind, op, key: None, detail: None, retryable, maybe_applied: false, source: None }))
    }

    /// A refused argument: `argument` is its name as the caller wrote it.
    pub(crate) fn invalid(op: &'static str, argument: &str, why: impl fmt::Display) -> Self {
        Self::new(ErrorKind::InvalidArgument, op).with_detail(format!("{argument}: {why}"))
    }

    pub(crate) fn closed(op: &'static str) -> Self {
        Self::new(ErrorKind::Closed, op).with_detail("the client was closed")
    }

    pub(crate) fn with_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.0.key = Some(printable(key.as_ref()));
        self
    }

    /// Keeps a key that is already there: the innermost layer knows best.
    pub(crate) fn or_key(self, key: impl AsRef<[u8]>) -> Self {
        if self.0.key.is_some() { self } else { self.with_key(key) }
    }

    /// The operation as the user called it, not the request in which it failed.
    pub(crate) fn with_op(mut self, op: &'static str) -> Self {
        self.0.op = op;
        self
    }

    pub(crate) fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    pub(crate) fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    pub(crate) fn with_maybe_applied(mut self, maybe_applied: bool) -> Self {
        self.0.maybe_applied = maybe_applied;
        self
    }

    /// What kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, such as `lock.acquire`.
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// The key it was about, where there is one; bytes that are no text are escaped.
    pub fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// Whether the same call can succeed later without anything being fixed.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// Whether the request may have been, or may still be, applied although it failed. False means: it was not.
    pub fn maybe_applied(&self) -> bool {
        self.0.maybe_applied
    }
}

/// A key for a text: escaped and cut, because keys are bytes and may be long.
pub(crate) fn printable(key: &[u8]) -> String {
    const LONGEST: usize = 200;
    let text: String = String::from_utf8_lossy(key).chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if key.len() > LONGEST { text + "…" } else { text }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Repr { kind, op, key, detail, retryable, maybe_applied, source } = &*self.0;
        write!(f, "{op}: {kind}")?;
        if let Some(detail) = detail {
            write!(f, ": {detail}")?;
        }
        if let Some(key) = key {
            write!(f, " key={key}")?;
        }
        match (retryable, maybe_applied) {
            (true, true) => f.write_str(" (retryable, may have been applied)")?,
            (true, false) => f.write_str(" (retryable)")?,
            (false, true) => f.write_str(" (may have been applied)")?,
            (false, false) => {}
        }
        match source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests;
