//! Answers for an event loop, which takes them itself: it watches a file descriptor, and no other thread is woken. What is
//! to be begun together waits for the loop here, too.

use std::io::{self, Read, Write};
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::{Owned, Runtime, Work};
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::call::{Answer, Operation, enter};

/// What has come and was not taken, and what is to be begun. Readable is `bell` while there is something of it.
pub(crate) struct Mail {
    state: Mutex<State>,
    /// What the loop watches.
    bell: UnixStream,
    rope: UnixStream,
}

#[derive(Default)]
struct State {
    answers: Vec<(u64, Answer)>,
    put_off: Vec<(Runtime, Work)>,
    is_ringing: bool,
    is_closed: bool,
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
        if state.is_closed {
            // Not under the lock: that may give back what is held in etcd.
            drop(state);
            drop(answer);
            return;
        }
        state.answers.push((waiter, answer));
        self.ring(&mut state);
    }

    /// Has it begun when the loop looks here the next time, with all others that were put off.
    fn put_off(&self, runtime: Runtime, work: Work) {
        let mut state = self.state();
        if state.is_closed {
            drop(state);
            drop(work);
            return;
        }
        state.put_off.push((runtime, work));
        self.ring(&mut state);
    }

    /// Begins what was put off, and gives the answers that have come. It rings on.
    fn take(&self) -> Vec<(u64, Answer)> {
        let mut state = self.state();
        let (answers, put_off) = (mem::take(&mut state.answers), mem::take(&mut state.put_off));
        drop(state);
        Runtime::spawn_all(put_off);
        answers
    }

    /// Rings no longer, unless there is something again.
    fn still(&self) {
        let mut state = self.state();
        if state.is_ringing && state.answers.is_empty() && state.put_off.is_empty() {
            self.empty_bell(&mut state);
        }
    }

    fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let left = (mem::take(&mut state.answers), mem::take(&mut state.put_off));
        if state.is_ringing {
            self.empty_bell(&mut state);
        }
        drop(state);
        drop(left);
    }

    fn ring(&self, state: &mut State) {
        if !state.is_ringing {
            // One byte of an empty pair: there is room, if the system has memory; else the next will ring.
            state.is_ringing = (&self.rope).write(&[1]).is_ok();
        }
    }

    fn empty_bell(&self, state: &mut State) {
        state.is_ringing = (&self.bell).read(&mut [0; 8]).is_err();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers for one event loop. A forked child makes a new one.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Inbox(Owned<Arc<Mail>>);

#[pymethods]
impl Inbox {
    /// Raises OSError when the system gives no file descriptors.
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Owned::new(Arc::new(Mail::new()?))))
    }

    /// What to watch: it is readable while there is something to do here.
    fn fileno(&self, py: Python<'_>) -> PyResult<i32> {
        self.mail(py, "inbox.fileno", |mail| Ok(mail.bell.as_raw_fd()))
    }

    /// Begins an operation that was started for no waiter, and has its answer come here for the one of this number.
    /// `later`: not before the next `take`, and with all others that were put off.
    fn post(&self, py: Python<'_>, operation: &Operation, waiter: u64, later: bool) -> PyResult<()> {
        let op = "operation.post";
        self.mail(py, op, |mail| {
            if let Some((runtime, work)) = operation.send(op, mail, waiter)? {
                match later {
                    true => mail.put_off(runtime, work),
                    false => runtime.spawn(work),
                }
            }
            Ok(())
        })
    }

    /// Begins what was put off, and adds all answers there are to the front of `into`, each with its waiter's number, the
    /// first last. Never waits. It is readable until `still` says otherwise.
    ///
    /// Into a list, because what a method gives back is lost when a signal strikes before its caller has it.
    fn take(&self, py: Python<'_>, into: &Bound<'_, PyList>) -> PyResult<()> {
        let answers = self.mail(py, "inbox.take", |mail| Ok(mail.take()))?;
        into.set_slice(0, 0, PyList::new(py, answers.into_iter().rev())?.as_any())
    }

    /// Is readable no longer, unless there is something to do again.
    fn still(&self, py: Python<'_>) -> PyResult<()> {
        self.mail(py, "inbox.still", |mail| {
            mail.still();
            Ok(())
        })
    }

    /// Nobody looks here any more: what comes from now on is released, and nobody is woken.
    fn close(&self) {
        // Not in a forked child, where it is the parent's.
        if let Ok(mail) = self.0.get("inbox.close") {
            mail.close();
        }
    }
}

impl Inbox {
    fn mail<T>(&self, py: Python<'_>, op: &'static str, work: impl FnOnce(&Arc<Mail>) -> Result<T>) -> PyResult<T> {
        enter(py, op, || work(self.0.get(op)?))
    }
}
