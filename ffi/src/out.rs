//! What goes to C, and how it comes back to be freed.

use std::ffi::{CString, c_char};
use std::ptr;

use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::invalid;

/// Where C wants a handle. Made before anything else is looked at, so that a failure leaves NULL there.
pub(crate) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// NULL is refused.
    pub(crate) fn new(op: &'static str, argument: &str, place: *mut *mut T) -> Result<Self> {
        Self::optional(place).ok_or_else(|| invalid(op, argument, "must not be NULL"))
    }

    /// NULL means that C does not want it.
    pub(crate) fn optional(place: *mut *mut T) -> Option<Self> {
        if place.is_null() {
            return None;
        }
        // SAFETY: by the header's conventions an output that is not NULL is a place for a pointer.
        unsafe { place.write(ptr::null_mut()) };
        Some(Self(place))
    }

    /// Gives the value away: C frees it.
    pub(crate) fn give(self, value: T) {
        // SAFETY: as in `optional`; the place is C's for the length of the call.
        unsafe { self.0.write(Box::into_raw(Box::new(value))) };
    }
}

impl Out<c_char> {
    /// Gives a text away: C frees it with gocore_etcd_string_free.
    pub(crate) fn give_text(self, text: CString) {
        // SAFETY: as in `give`.
        unsafe { self.0.write(text.into_raw()) };
    }
}

/// Where C wants a plain value, or NULL when it does not. A failure leaves the type's zero there.
pub(crate) struct Plain<T>(*mut T);

impl<T: Default> Plain<T> {
    pub(crate) fn new(place: *mut T) -> Self {
        let plain = Self(place);
        plain.put(T::default());
        plain
    }

    pub(crate) fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: by the header's conventions an output that is not NULL is a place for its type.
            unsafe { self.0.write(value) };
        }
    }
}

/// Takes back what `Out::give` gave away, and drops it. NULL is allowed.
pub(crate) fn free<T>(value: *mut T) {
    if value.is_null() {
        return;
    }
    // A panic in a destructor would be a bug of ours; it must not end the host.
    let freed = gocore_etcd_core::bridge::guarded("free", || {
        // SAFETY: by the header's conventions it came from this library as this type, and is freed once.
        drop(unsafe { Box::from_raw(value) });
        Ok(())
    });
    drop(freed);
}

/// Takes back what `Out::give_text` gave away.
pub(crate) fn free_text(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: by the header's conventions it came from `give_text`, and is freed once.
        drop(unsafe { CString::from_raw(text) });
    }
}
