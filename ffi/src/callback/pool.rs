//! Threads for callbacks: as many as are busy at once. None of them does I/O or ever waits for anything of ours.
//!
//! A job finds an idle thread or gets a new one, so that a slow callback delays no other. Idle threads end after a while;
//! as long as anybody may still have a callback to run, one stays, so that a system without threads left cannot swallow
//! a completion.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gocore_etcd_core::bridge::{Generation, PerProcess, failed, spawn_quiet_thread};
use gocore_etcd_core::{ErrorKind, Result};

use super::{Job, Within, run};

/// How long an idle thread stays: longer than the pauses within a burst, shorter than anybody would look for it.
const PATIENCE: Duration = Duration::from_secs(5);

static POOL: PerProcess<Pool> = PerProcess::new();

#[derive(Default)]
struct Pool {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
    members: usize,
}

/// While there is one, there is a thread to run callbacks.
pub(crate) struct Member(Generation);

impl Drop for Member {
    fn drop(&mut self) {
        if self.0.is_current() {
            POOL.get().lock().members -= 1;
        }
    }
}

/// # Errors
/// ResourceExhausted when the system gives no thread.
pub(super) fn join(op: &'static str) -> Result<Member> {
    let pool = POOL.get();
    let mut state = pool.lock();
    if state.threads == 0 {
        pool.spawn(&mut state).map_err(|error| failed(ErrorKind::ResourceExhausted, op, error.to_string()))?;
    }
    state.members += 1;
    Ok(Member(Generation::current()))
}

pub(super) fn push(job: Job) {
    let pool = POOL.get();
    let mut state = pool.lock();
    state.jobs.push_back(job);
    if state.jobs.len() > state.idle {
        // Without a further thread the job waits for one that is busy now. Not logged: the log is delivered here too.
        drop(pool.spawn(&mut state));
    }
    drop(state);
    pool.filled.notify_one();
}

/// From a job, as its last deed: its thread is needed by nothing else, and takes this one in its turn.
pub(super) fn push_next(job: Job) {
    let pool = POOL.get();
    let mut state = pool.lock();
    state.jobs.push_back(job);
    // Not for this one, but for those before it that the system had no thread for.
    if state.jobs.len() > state.idle + 1 {
        drop(pool.spawn(&mut state));
    }
}

impl Pool {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&'static self, state: &mut State) -> std::io::Result<()> {
        let born = Generation::current();
        spawn_quiet_thread("gocore-etcd-cb", move || self.work(born))?;
        state.threads += 1;
        Ok(())
    }

    fn work(&self, born: Generation) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                run(Within::Callback, job);
                // The job forked: in the child nothing of this is ours any more.
                if !born.is_current() {
                    return;
                }
                state = self.lock();
                continue;
            }
            state.idle += 1;
            let (waited, timeout) = self.filled.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            state = waited;
            state.idle -= 1;
            let needed = state.threads == 1 && state.members > 0;
            if timeout.timed_out() && state.jobs.is_empty() && !needed {
                state.threads -= 1;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
