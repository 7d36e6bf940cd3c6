//! The way back to the interpreter, for threads that waited without it: open until the program ends.
//!
//! The interpreter ends without its daemon threads. One that comes back when it is being torn down is held by Python
//! itself; one that comes back when there is nothing left to come back to takes the process down.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use pyo3::Python;

/// Waits without the interpreter, and comes back to it. When the program has ended meanwhile it never returns: the thread
/// stays where it is, after `left` has seen to what it came by.
///
/// Nothing in `wait` may be Python's: that may be gone.
pub(crate) fn away<T: Send>(
    py: Python<'_>,
    way_back: &Arc<WayBack>,
    wait: impl FnOnce() -> T + Send,
    left: impl FnOnce(T) + Send,
) -> T {
    let way = way_back.clone();
    let waited = py.detach(move || {
        let waited = wait();
        if way.enter() {
            return waited;
        }
        left(waited);
        loop {
            thread::park();
        }
    });
    way_back.leave();
    waited
}

/// Every thread that comes back is on it from before it asks for the GIL until it has it.
#[derive(Default)]
pub(crate) struct WayBack {
    closed: AtomicBool,
    threads: AtomicUsize,
}

impl WayBack {
    /// Sets out. False when it is closed: then this thread must never touch the interpreter again.
    pub(crate) fn enter(&self) -> bool {
        // Counted first: either `close` sees this thread, or this thread sees it closed.
        self.threads.fetch_add(1, Ordering::SeqCst);
        let open = !self.closed.load(Ordering::SeqCst);
        if !open {
            self.leave();
        }
        open
    }

    /// Has arrived.
    pub(crate) fn leave(&self) {
        self.threads.fetch_sub(1, Ordering::SeqCst);
    }

    /// Closes it, and waits for those that are on it, 100 ms at most: somebody's own code may keep the GIL from them.
    /// Not with the GIL.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        for _ in 0..100 {
            if self.threads.load(Ordering::SeqCst) == 0 {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}
