//! After a fork the child has our memory but none of our threads, and any lock may be held for ever by one of them.
//!
//! So every entry compares two numbers before it takes a lock: the generation a handle was born in and the current one,
//! which the child's side of fork raises. Handles of the parent are dead in the child: calls give WrongContext, and
//! dropping one leaks it, because whatever it would give back belongs to the parent. New ones work.

use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

static GENERATION: AtomicU64 = AtomicU64::new(1);

/// Which process, counted in forks, something was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

impl Generation {
    /// That of this process. The first call arranges for forks to be noticed; make it before there is anything to protect.
    pub fn current() -> Self {
        static WATCHING: Once = Once::new();
        // In a child this is done, or was never begun: a fork cannot be in the middle of it, as long as libraries are
        // not loaded and processes forked at the same instant. `is_completed` keeps the common path free of the lock.
        if !WATCHING.is_completed() {
            WATCHING.call_once(|| {
                // SAFETY: `in_child` is a function that lives as long as the library, which is never unloaded, and does
                // nothing but an atomic addition, which is allowed in a forked child.
                unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
            });
        }
        Self(GENERATION.load(Ordering::Acquire))
    }

    /// Whether we still are in the process it was taken in.
    pub fn is_current(self) -> bool {
        self.0 == GENERATION.load(Ordering::Acquire)
    }

    /// # Errors
    /// WrongContext in a forked child.
    pub fn check(self, op: &'static str) -> Result<()> {
        if self.is_current() {
            return Ok(());
        }
        let forked = Error::new(ErrorKind::WrongContext, op);
        Err(forked.with_detail("made before a fork: handles of the parent cannot be used in the child, make new ones"))
    }
}

unsafe extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::AcqRel);
}

/// A value that belongs to the process it was made in. Dropped in a forked child it is leaked.
#[derive(Debug)]
pub struct Owned<T> {
    value: ManuallyDrop<T>,
    born: Generation,
}

impl<T> Owned<T> {
    /// Belongs to this process.
    pub fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), born: Generation::current() }
    }

    /// # Errors
    /// WrongContext in a forked child.
    pub fn get(&self, op: &'static str) -> Result<&T> {
        self.born.check(op).map(|()| self.value.deref())
    }

    /// The value without the check: for plain data that no thread of ours touches (a key, a token).
    pub fn peek(&self) -> &T {
        &self.value
    }
}

impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        if self.born.is_current() {
            // SAFETY: dropped once, here, and not used afterwards.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        }
    }
}
