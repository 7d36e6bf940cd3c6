//! Status and errors
//!
//! Every function that can fail returns a status and, where the caller asks for it, an error that says more.

use std::ffi::{CStr, CString, c_char};

use gocore_etcd_core::{Error, ErrorKind};

use crate::entry_point::getter;
use crate::out;

/// What a call came to. The numbers are fixed; a newer library may return one that is not listed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum gocore_etcd_status {
    /// It worked.
    GOCORE_ETCD_STATUS_OK = 0,
    /// An argument was wrong: fix the call. Nothing was sent.
    GOCORE_ETCD_STATUS_INVALID_ARGUMENT = 1,
    /// It is not there: treat it as absent.
    GOCORE_ETCD_STATUS_NOT_FOUND = 2,
    /// Somebody else has this id: choose another.
    GOCORE_ETCD_STATUS_ALREADY_EXISTS = 3,
    /// A compare failed: read again and redo.
    GOCORE_ETCD_STATUS_CONFLICT = 4,
    /// Somebody else holds it.
    GOCORE_ETCD_STATUS_NOT_ACQUIRED = 5,
    /// The session, lock or leadership is gone: stop the work that depends on it now.
    GOCORE_ETCD_STATUS_LOST = 6,
    /// The history asked for was compacted: list again.
    GOCORE_ETCD_STATUS_COMPACTED = 7,
    /// The time was over; gocore_etcd_error_maybe_applied says whether a write may have happened.
    GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED = 8,
    /// The caller gave the call up.
    GOCORE_ETCD_STATUS_CANCELLED = 9,
    /// No endpoint, or no quorum: try later.
    GOCORE_ETCD_STATUS_UNAVAILABLE = 10,
    /// User name, password or token were refused: fix the credentials.
    GOCORE_ETCD_STATUS_UNAUTHENTICATED = 11,
    /// The user may not do this: fix the rights.
    GOCORE_ETCD_STATUS_PERMISSION_DENIED = 12,
    /// Too much: slow down, free space, or send less.
    GOCORE_ETCD_STATUS_RESOURCE_EXHAUSTED = 13,
    /// The server or this build cannot do it.
    GOCORE_ETCD_STATUS_UNSUPPORTED = 14,
    /// It was closed by its owner.
    GOCORE_ETCD_STATUS_CLOSED = 15,
    /// Misuse: waiting for oneself, or use after a fork.
    GOCORE_ETCD_STATUS_WRONG_CONTEXT = 16,
    /// A bug: report it.
    GOCORE_ETCD_STATUS_INTERNAL = 17,
    /// What lies in etcd cannot be read; the message names the key and the place.
    GOCORE_ETCD_STATUS_MALFORMED = 18,
    /// The source takes no writes.
    GOCORE_ETCD_STATUS_READ_ONLY = 19,
}

use gocore_etcd_status as Status;

impl From<ErrorKind> for Status {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidArgument => Status::GOCORE_ETCD_STATUS_INVALID_ARGUMENT,
            ErrorKind::NotFound => Status::GOCORE_ETCD_STATUS_NOT_FOUND,
            ErrorKind::AlreadyExists => Status::GOCORE_ETCD_STATUS_ALREADY_EXISTS,
            ErrorKind::Conflict => Status::GOCORE_ETCD_STATUS_CONFLICT,
            ErrorKind::NotAcquired => Status::GOCORE_ETCD_STATUS_NOT_ACQUIRED,
            ErrorKind::Lost => Status::GOCORE_ETCD_STATUS_LOST,
            ErrorKind::Compacted => Status::GOCORE_ETCD_STATUS_COMPACTED,
            ErrorKind::DeadlineExceeded => Status::GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED,
            ErrorKind::Cancelled => Status::GOCORE_ETCD_STATUS_CANCELLED,
            ErrorKind::Unavailable => Status::GOCORE_ETCD_STATUS_UNAVAILABLE,
            ErrorKind::Unauthenticated => Status::GOCORE_ETCD_STATUS_UNAUTHENTICATED,
            ErrorKind::PermissionDenied => Status::GOCORE_ETCD_STATUS_PERMISSION_DENIED,
            ErrorKind::ResourceExhausted => Status::GOCORE_ETCD_STATUS_RESOURCE_EXHAUSTED,
            ErrorKind::Unsupported => Status::GOCORE_ETCD_STATUS_UNSUPPORTED,
            ErrorKind::Closed => Status::GOCORE_ETCD_STATUS_CLOSED,
            ErrorKind::WrongContext => Status::GOCORE_ETCD_STATUS_WRONG_CONTEXT,
            ErrorKind::Malformed => Status::GOCORE_ETCD_STATUS_MALFORMED,
            ErrorKind::ReadOnly => Status::GOCORE_ETCD_STATUS_READ_ONLY,
            // A kind of the core that is not in this list is a bug, and the test beside this file finds it.
            _ => Status::GOCORE_ETCD_STATUS_INTERNAL,
        }
    }
}

/// Why a call failed.
///
/// Ownership: whoever receives one frees it with gocore_etcd_error_free (a const one is borrowed). It belongs to no client and outlives all of
/// them. Threads: a single one at a time may free it; the getters may be called from any.
pub struct gocore_etcd_error {
    error: Error,
    message: CString,
}

impl From<Error> for gocore_etcd_error {
    fn from(error: Error) -> Self {
        let message = CString::new(error.to_string().replace('\0', "\\0")).unwrap_or_default();
        Self { error, message }
    }
}

/// What kind of failure it was: the status that the call returned.
///
/// Ownership: borrows `error`; NULL gives GOCORE_ETCD_STATUS_OK. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_status(error: *const gocore_etcd_error) -> gocore_etcd_status {
    getter(error, Status::GOCORE_ETCD_STATUS_OK, |error| error.error.kind().into())
}

/// What happened, for people: the operation, the kind, the key, the cause. Never a secret.
///
/// Ownership: UTF-8 text that lives as long as `error`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_message(error: *const gocore_etcd_error) -> *const c_char {
    getter(error, std::ptr::null(), |error| error.message.as_ptr())
}

/// Whether the same call can succeed later without anything being fixed.
///
/// Ownership: borrows `error`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_retryable(error: *const gocore_etcd_error) -> bool {
    getter(error, false, |error| error.error.is_retryable())
}

/// Whether the request may have been, or may still be, applied although it failed. False means: it was not.
///
/// Ownership: borrows `error`; NULL gives false. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_maybe_applied(error: *const gocore_etcd_error) -> bool {
    getter(error, false, |error| error.error.maybe_applied())
}

/// The same error, to be kept beyond the callback that was given it. NULL gives NULL.
///
/// Ownership: the caller frees what it gives with gocore_etcd_error_free. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_clone(error: *const gocore_etcd_error) -> *mut gocore_etcd_error {
    getter(error, std::ptr::null_mut(), |error| {
        Box::into_raw(Box::new(gocore_etcd_error { error: error.error.clone(), message: error.message.clone() }))
    })
}

/// Frees an error; those that a callback borrows are not to be freed. NULL is allowed.
///
/// Ownership: takes `error`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_error_free(error: *mut gocore_etcd_error) {
    out::free(error);
}

/// A status in words, such as "deadline exceeded"; "unknown status" for a number that is none.
///
/// Ownership: the text belongs to the library and lives as long as the process. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_status_text(status: i32) -> *const c_char {
    words(status).as_ptr()
}

fn words(status: i32) -> &'static CStr {
    match status {
        0 => c"ok",
        1 => c"invalid argument",
        2 => c"not found",
        3 => c"already exists",
        4 => c"conflict",
        5 => c"not acquired",
        6 => c"lost",
        7 => c"compacted",
        8 => c"deadline exceeded",
        9 => c"cancelled",
        10 => c"unavailable",
        11 => c"unauthenticated",
        12 => c"permission denied",
        13 => c"resource exhausted",
        14 => c"unsupported",
        15 => c"closed",
        16 => c"wrong context",
        17 => c"internal error",
        18 => c"malformed",
        19 => c"read only",
        _ => c"unknown status",
    }
}

#[cfg(test)]
mod tests;
