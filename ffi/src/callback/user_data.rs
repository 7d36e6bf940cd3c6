//! What C gives together with a callback, and gets back exactly once.

use std::ffi::c_void;

use gocore_etcd_core::bridge::Generation;

use crate::subscription::gocore_etcd_user_free;

/// Owned: dropping it runs `user_free`, unless this is a forked child.
pub(crate) struct UserData {
    data: *mut c_void,
    free: gocore_etcd_user_free,
    born: Generation,
}

// SAFETY: the conventions say that `user_data` is used on threads of the library; we only pass it on.
unsafe impl Send for UserData {}
// SAFETY: as above; a shared reference gives the pointer alone.
unsafe impl Sync for UserData {}

impl UserData {
    pub(crate) fn new(data: *mut c_void, free: gocore_etcd_user_free) -> Self {
        Self { data, free, born: Generation::current() }
    }

    /// What the callback gets.
    pub(crate) fn data(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let (Some(free), true) = (self.free, self.born.is_current()) {
            free(self.data);
        }
    }
}
