//! The way back to the interpreter, for threads that waited without it: open until the program ends.
//!
//! The interpreter ends without its daemon threads. One that comes back when it is being torn down is held by Python
//! itself; one that comes back when there is nothing left to come back to takes the process down.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

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
