//! Answers for an event loop, which takes them itself: it watches a file descriptor, and no other thread is woken.

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gocore_etcd_core::bridge::{Runtime, Work};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::call::{Answer, Operation, enter};

/// What has come and was not taken. Readable is `bell` while there is something.
pub(crate) struct Mail {
    state: Mutex<State>,
    /// What the loop watches.
    bell: UnixStream,
    rope: UnixStream,
}

#[derive(Default)]
struct State {
    answers: Vec<(u64, Answer)>,
    closed: bool,
}

impl Mail {
    fn new() -> io::Result<Self> {
        let (bell, rope) = UnixStream::pair()?;
        bell.set_nonblocking(true)?;
        rope.set_nonblocking(true)?;
        Ok(Self { state: Mutex::default(), bell, rope })
    }

    /// An answer has come for the waiter of this number. Once it is closed it is released.
    pub(crate) fn put(&self, waiter: u64, answer: Answer) {
        let mut state = self.state();
        if state.closed {
            // Not under the lock: that may give back what is held in etcd.
            drop(state);
            drop(answer);
            return;
        }
        state.answers.push((waiter, answer));
        if state.answers.len() == 1 {
            // One byte of an empty pair: it has room.
            let rung = (&self.rope).write(&[1]);
            debug_assert!(rung.is_ok(), "{rung:?}");
        }
    }

    fn take(&self) -> Vec<(u64, Answer)> {
        let mut state = self.state();
        if !state.answers.is_empty() {
            let stilled = (&self.bell).read(&mut [0; 8]);
            debug_assert!(stilled.is_ok(), "{stilled:?}");
        }
        mem::take(&mut state.answers)
    }

    fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let left = mem::take(&mut state.answers);
        drop(state);
        drop(left);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers for one event loop. A forked child makes a new one.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Inbox {
    mail: Arc<Mail>,
    put_off: Mutex<Vec<(Runtime, Work)>>,
}

#[pymethods]
impl Inbox {
    /// Raises OSError when the system gives no file descriptors.
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self { mail: Arc::new(Mail::new()?), put_off: Mutex::default() })
    }

    /// What to watch: it is readable while there is something to take.
    fn fileno(&self) -> i32 {
        self.mail.bell.as_raw_fd()
    }

    /// Begins an operation that was started for no waiter, and has its answer come here for the one of this number.
    /// `later`: not before `begin`, and with all others that were put off.
    fn post(&self, py: Python<'_>, operation: &Operation, waiter: u64, later: bool) -> PyResult<()> {
        let op = "operation.post";
        enter(py, op, || {
            if let Some((runtime, work)) = operation.send(op, &self.mail, waiter)? {
                match later {
                    true => self.put_off().push((runtime, work)),
                    false => runtime.spawn(work),
                }
            }
            Ok(())
        })
    }

    /// Begins what was put off.
    fn begin(&self) {
        let put_off = mem::take(&mut *self.put_off());
        Runtime::spawn_all(put_off);
    }

    /// Adds all answers there are to the end of `into`, each with its waiter's number. Never waits.
    ///
    /// Into a list, because what a method gives back is lost when a signal strikes before its caller has it.
    fn take(&self, into: &Bound<'_, PyList>) -> PyResult<()> {
        self.mail.take().into_iter().try_for_each(|answer| into.append(answer))
    }

    /// The program is ending: what comes from now on is released, and the loop is not woken.
    fn close(&self) {
        self.mail.close();
    }
}

impl Inbox {
    fn put_off(&self) -> MutexGuard<'_, Vec<(Runtime, Work)>> {
        self.put_off.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
