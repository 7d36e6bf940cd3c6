//! What C passes, read and checked. The one place where a raw pointer of an argument is followed.
//!
//! Everything here trusts what the header's first page asks of a caller: a pointer that is not NULL points to what its
//! type says, for as long as the call runs. Everything that can be checked is, and names the argument.

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{CancelToken, Limit, Owned, failed, invalid};
use gocore_etcd_core::{ErrorKind, Result};

use crate::cancel::gocore_etcd_cancel_token;

/// The longest time limit: a year. What is longer is a mistake, or means -1.
const LONGEST_MS: i64 = 365 * 24 * 3600 * 1000;

/// A struct that is larger than this was never initialised.
const LARGEST_STRUCT: usize = 64 * 1024;

/// A handle that calls are made on: shared, so that a call that has begun outlives the handle's `_free`.
pub(crate) trait Handle {
    type Shared;
    fn shared(&self) -> &Owned<Arc<Self::Shared>>;
}

/// What a handle stands for. NULL is refused, and so is a handle of another process; no lock was taken before.
pub(crate) fn handle<T: Handle>(op: &'static str, argument: &str, handle: *const T) -> Result<Arc<T::Shared>> {
    optional_handle(op, handle)?.ok_or_else(|| invalid(op, argument, "must not be NULL"))
}

/// The same where NULL means none.
pub(crate) fn optional_handle<T: Handle>(op: &'static str, handle: *const T) -> Result<Option<Arc<T::Shared>>> {
    // SAFETY: by the conventions it is NULL or a live handle of this type. It is not looked at after this line.
    let Some(handle) = (unsafe { handle.as_ref() }) else { return Ok(None) };
    handle.shared().get(op).map(|shared| Some(Arc::clone(shared)))
}

/// The cancel token of a call; NULL is one that never fires.
pub(crate) fn cancel_token(op: &'static str, token: *const gocore_etcd_cancel_token) -> Result<CancelToken> {
    Ok(optional_handle(op, token)?.map(|token| CancelToken::clone(&token)).unwrap_or_default())
}

/// UTF-8 text that ends with NUL.
pub(crate) fn text<'a>(op: &'static str, argument: &str, text: *const c_char) -> Result<&'a str> {
    optional_text(op, argument, text)?.ok_or_else(|| invalid(op, argument, "must not be NULL"))
}

/// The same where NULL means none.
pub(crate) fn optional_text<'a>(op: &'static str, argument: &str, text: *const c_char) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: by the conventions it is text that ends with NUL, for the length of the call.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|error| invalid(op, argument, format!("is no UTF-8: {error}")))
}

/// The same for a text of whatever encoding: what is not UTF-8 in it is replaced.
pub(crate) fn lossy_text<'a>(op: &'static str, argument: &str, text: *const c_char) -> Result<Cow<'a, str>> {
    if text.is_null() {
        return Err(invalid(op, argument, "must not be NULL"));
    }
    // SAFETY: as in `optional_text`.
    Ok(unsafe { CStr::from_ptr(text) }.to_string_lossy())
}

/// Bytes with their length. NULL is allowed when there are none.
pub(crate) fn bytes<'a>(op: &'static str, argument: &str, bytes: *const c_void, len: usize) -> Result<&'a [u8]> {
    array(op, argument, bytes.cast::<u8>(), len)
}

/// An array with its length. NULL is allowed when it is empty.
pub(crate) fn array<'a, T>(op: &'static str, argument: &str, first: *const T, len: usize) -> Result<&'a [T]> {
    if len == 0 {
        return Ok(&[]);
    }
    if first.is_null() {
        return Err(invalid(op, argument, format!("is NULL, with a length of {len}")));
    }
    if !first.is_aligned() {
        return Err(invalid(op, argument, "is not aligned"));
    }
    if len.checked_mul(size_of::<T>().max(1)).is_none_or(|size| size > isize::MAX as usize) {
        return Err(invalid(op, argument, format!("a length of {len} is more than there is memory")));
    }
    // SAFETY: not NULL, aligned, no longer than memory can be; by the conventions there are `len` of them, and nobody
    // changes them while the call runs.
    Ok(unsafe { slice::from_raw_parts(first, len) })
}

/// A plain struct of C that begins with its size, so that it can grow.
///
/// # Safety
/// `repr(C)`, beginning with a `usize`; all zeros, and every pattern of bits, is a value of it (numbers, raw pointers,
/// optional function pointers).
pub(crate) unsafe trait Input: Copy {
    /// Its size in the first version of the library.
    const FIRST_SIZE: usize;
}

/// A copy of such a struct, None for NULL. Smaller than its first version is refused; what is missing at its end is
/// zero, the default; what is longer than ours must be zero in what we do not know.
pub(crate) fn input<T: Input>(op: &'static str, argument: &str, given: *const T) -> Result<Option<T>> {
    if given.is_null() {
        return Ok(None);
    }
    // SAFETY: by the conventions it points to a struct of this family, which begins with its size.
    let size = unsafe { given.cast::<usize>().read_unaligned() };
    if !(T::FIRST_SIZE..=LARGEST_STRUCT).contains(&size) {
        let why = format!("struct_size is {size}, expected {}: use its _INIT macro", size_of::<T>());
        return Err(invalid(op, argument, why));
    }
    // SAFETY: by the conventions the struct is as large as it says.
    let given = unsafe { slice::from_raw_parts(given.cast::<u8>(), size) };
    let (known, unknown) = given.split_at(size.min(size_of::<T>()));
    if unknown.iter().any(|byte| *byte != 0) {
        let why = format!("{argument}: uses options that this version of the library does not have");
        return Err(failed(ErrorKind::Unsupported, op, why));
    }
    let mut copy = MaybeUninit::<T>::zeroed();
    // SAFETY: `known` is at most as long as T, and apart from it; every pattern of bits is a T, says the trait.
    unsafe {
        copy.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(known.as_ptr(), known.len());
        Ok(Some(copy.assume_init()))
    }
}

/// A time limit: 0 is the call's default, -1 none.
pub(crate) fn limit(op: &'static str, timeout_ms: i64) -> Result<Limit> {
    match timeout_ms {
        0 => Ok(Limit::Default),
        -1 => Ok(Limit::Never),
        ms => milliseconds(op, "timeout_ms", ms).map(Limit::After),
    }
}

/// A duration; zero is for the callee to understand as its default.
pub(crate) fn milliseconds(op: &'static str, argument: &str, ms: i64) -> Result<Duration> {
    match u64::try_from(ms) {
        Ok(ms) if ms <= LONGEST_MS as u64 => Ok(Duration::from_millis(ms)),
        _ => Err(invalid(op, argument, format!("{ms} ms is out of range: 0 to {LONGEST_MS}"))),
    }
}

/// An enumeration's number.
pub(crate) fn choice<T: Copy>(op: &'static str, argument: &str, number: i32, choices: &[(i32, T)]) -> Result<T> {
    let chosen = choices.iter().find(|(known, _)| *known == number);
    chosen.map(|(_, value)| *value).ok_or_else(|| invalid(op, argument, format!("{number} is no value of it")))
}

#[cfg(test)]
mod tests;
