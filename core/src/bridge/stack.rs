//! How much of its stack a thread of the host's has left.

use std::cell::Cell;
use std::ops::Range;
use std::ptr;

/// What whatever goes on in the runtime may need: twice what was seen in a debug build.
const NEEDED: usize = 768 * 1024;

/// Whether this thread's stack has room for whatever goes on in the runtime. A stack that is not the thread's own (that
/// of a coroutine) has none.
pub(super) fn has_room() -> bool {
    thread_local! {
        static BOUNDS: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
    }
    let bounds = BOUNDS.get().unwrap_or_else(|| {
        let bounds = bounds().map_or((0, 0), |bounds| (bounds.start, bounds.end));
        BOUNDS.set(Some(bounds));
        bounds
    });
    let mark = 0u8;
    let here = ptr::from_ref(&mark).addr();
    here < bounds.1 && here.saturating_sub(bounds.0) >= NEEDED
}

/// Where this thread's stack lies; it grows down from the end.
#[cfg(target_os = "linux")]
fn bounds() -> Option<Range<usize>> {
    let mut attributes = std::mem::MaybeUninit::<libc::pthread_attr_t>::uninit();
    let (mut lowest, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the first call initialises `attributes` when it succeeds, and only then are they read, once, and destroyed.
    unsafe {
        if libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) != 0 {
            return None;
        }
        let read = libc::pthread_attr_getstack(attributes.as_ptr(), &mut lowest, &mut size);
        libc::pthread_attr_destroy(attributes.as_mut_ptr());
        (read == 0).then(|| lowest.addr()..lowest.addr().saturating_add(size))
    }
}

#[cfg(not(target_os = "linux"))]
fn bounds() -> Option<Range<usize>> {
    None
}
