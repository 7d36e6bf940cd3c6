//! The queue of a client whose application runs the callbacks itself, with a file descriptor to poll.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gocore_etcd_core::bridge::{Generation, Limit, failed};
use gocore_etcd_core::{ErrorKind, Result};

use super::{Job, Within, pool, run};

/// Jobs in order; readable is `read` while there is one.
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    /// What the application polls.
    readable: UnixStream,
    signal: UnixStream,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// Nobody will dispatch any more: threads of ours do.
    abandoned: bool,
}

impl Queue {
    /// # Errors
    /// ResourceExhausted when the system gives no file descriptors.
    pub(crate) fn new(op: &'static str) -> Result<Self> {
        let exhausted = |error: std::io::Error| failed(ErrorKind::ResourceExhausted, op, error.to_string());
        let (readable, signal) = UnixStream::pair().map_err(exhausted)?;
        readable.set_nonblocking(true).map_err(exhausted)?;
        signal.set_nonblocking(true).map_err(exhausted)?;
        Ok(Self { state: Mutex::default(), filled: Condvar::new(), readable, signal })
    }

    pub(crate) fn fd(&self) -> i32 {
        self.readable.as_raw_fd()
    }

    pub(super) fn push(&self, job: Job) {
        let mut state = self.lock();
        if state.abandoned {
            drop(state);
            return pool::push(job);
        }
        state.jobs.push_back(job);
        if state.jobs.len() == 1 {
            // One byte of an empty pair: it has room.
            let signalled = (&self.signal).write(&[1]);
            debug_assert!(signalled.is_ok(), "{signalled:?}");
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Runs up to `most` jobs (0: what is there), after waiting for the first; gives how many.
    pub(crate) fn dispatch(&self, most: usize, limit: Limit) -> usize {
        let deadline = match limit {
            Limit::Default => Some(Instant::now()),
            Limit::After(duration) => Instant::now().checked_add(duration),
            Limit::Never => None,
        };
        let mut state = self.lock();
        while state.jobs.is_empty() && !state.abandoned {
            let left = deadline.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return 0;
            }
            state = match deadline {
                Some(_) => self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0,
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        // What comes in while these run is for the next time: a callback that starts another must not keep us here.
        let most = if most == 0 { state.jobs.len() } else { most };
        let born = Generation::current();
        let mut ran = 0;
        while ran < most
            && let Some(job) = self.pop(&mut state)
        {
            drop(state);
            run(Within::Callback, job);
            ran += 1;
            if !born.is_current() {
                // It forked, and this is the child: queue and descriptor are the parent's.
                break;
            }
            state = self.lock();
        }
        ran
    }

    /// From now on callbacks run on threads of ours: nobody can dispatch any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.abandoned = true;
        let left = std::mem::take(&mut state.jobs);
        drop(state);
        self.filled.notify_all();
        left.into_iter().for_each(pool::push);
    }

    fn pop(&self, state: &mut State) -> Option<Job> {
        let job = state.jobs.pop_front()?;
        if state.jobs.is_empty() {
            // Whatever was in it: it must not be readable now. Empty, it would say WouldBlock.
            let emptied = (&self.readable).read(&mut [0; 8]);
            debug_assert!(emptied.is_ok(), "{emptied:?}");
        }
        Some(job)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
