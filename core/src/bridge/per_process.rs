//! State of which each process has its own: a forked child begins with nothing, and touches no lock of its parent's.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::fork::Generation;

/// A value that is made anew in each process that asks for it.
#[derive(Debug)]
pub struct PerProcess<T: 'static>(AtomicPtr<(Generation, T)>);

impl<T: Default + Sync> PerProcess<T> {
    /// None yet, for a static.
    pub const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// That of this process; there is one.
    pub fn get(&self) -> &'static T {
        let generation = Generation::current();
        let found = self.0.load(Ordering::Acquire);
        if let Some(value) = of(found, generation) {
            return value;
        }
        let new = Box::into_raw(Box::new((generation, T::default())));
        match self.0.compare_exchange(found, new, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: just made, published, and never freed from now on.
            Ok(_) => unsafe { &(*new).1 },
            Err(theirs) => {
                // SAFETY: `new` was never published; `theirs` was, by a thread of this process, and is never freed.
                unsafe {
                    drop(Box::from_raw(new));
                    &(*theirs).1
                }
            }
        }
    }

    /// That of this process, if there is one.
    pub fn existing(&self) -> Option<&'static T> {
        of(self.0.load(Ordering::Acquire), Generation::current())
    }
}

impl<T: Default + Sync> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

fn of<T>(value: *const (Generation, T), generation: Generation) -> Option<&'static T> {
    // SAFETY: null, or published by `get` and never freed: one for each process that forks and uses us again.
    let (born, value) = unsafe { value.as_ref() }?;
    (*born == generation).then_some(value)
}
