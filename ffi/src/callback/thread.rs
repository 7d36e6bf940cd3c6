//! A thread of one's own, for a callback that is the work itself: it may run for hours, and must not be the one thread
//! that a system without any more has left for the others.

use std::sync::mpsc::{self, Sender};

use gocore_etcd_core::bridge::{Generation, failed, spawn_quiet_thread};
use gocore_etcd_core::{ErrorKind, Result};

use super::{Job, Within, run};

/// Runs jobs in order, until the last clone is gone.
#[derive(Clone)]
pub(crate) struct OwnThread(Sender<Job>);

impl OwnThread {
    /// # Errors
    /// ResourceExhausted when the system gives no thread.
    pub(crate) fn start(op: &'static str, name: &str) -> Result<Self> {
        let (jobs, taken) = mpsc::channel::<Job>();
        let born = Generation::current();
        let work = move || {
            // After a job that forked, in the child, nothing of this is ours any more.
            while born.is_current()
                && let Ok(job) = taken.recv()
            {
                run(Within::Work, job);
            }
        };
        spawn_quiet_thread(name, work).map_err(|error| failed(ErrorKind::ResourceExhausted, op, error.to_string()))?;
        Ok(Self(jobs))
    }

    pub(super) fn push(&self, job: Job) {
        // Its thread ends with the last of us.
        drop(self.0.send(job));
    }
}
