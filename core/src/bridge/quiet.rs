//! Threads that take none of the signals meant for the host: only those that tell of their own faults.

use std::mem::MaybeUninit;
use std::{io, ptr, thread};

/// Starts such a thread.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_quiet_thread(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<thread::JoinHandle<()>> {
    // A new thread inherits the mask.
    let before = be_quiet();
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    // SAFETY: `before` is a mask; changes this thread's alone.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut()) };
    thread
}

/// Makes this thread one; gives the mask it had.
pub(super) fn be_quiet() -> libc::sigset_t {
    const OWN_FAULTS: [libc::c_int; 8] = [
        libc::SIGSEGV,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGTRAP,
        libc::SIGSYS,
        libc::SIGABRT,
        libc::SIGPROF,
    ];
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises `blocked`, the others read it; `pthread_sigmask` initialises `before`, and
    // changes this thread's mask alone.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in OWN_FAULTS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, blocked.as_ptr(), before.as_mut_ptr());
        before.assume_init()
    }
}

/// As long as this is there no write to a connection that is gone ends the process: SIGPIPE waits, and is taken back.
pub(super) struct NoSigpipe {
    /// The thread's mask.
    before: libc::sigset_t,
    /// One was waiting already, and is not ours.
    waited: bool,
}

impl NoSigpipe {
    pub(super) fn begin() -> Self {
        let mut before = MaybeUninit::<libc::sigset_t>::uninit();
        let mut waiting = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: all sets are initialised before they are read; only this thread's mask is changed.
        unsafe {
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_BLOCK, &sigpipe(), before.as_mut_ptr());
            let before = before.assume_init();
            libc::sigemptyset(waiting.as_mut_ptr());
            libc::sigpending(waiting.as_mut_ptr());
            Self { before, waited: libc::sigismember(waiting.as_ptr(), libc::SIGPIPE) == 1 }
        }
    }
}

impl Drop for NoSigpipe {
    fn drop(&mut self) {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: takes a signal of this thread's, if there is one, and puts back the mask that `begin` has read.
        unsafe {
            if !self.waited {
                libc::sigtimedwait(&sigpipe(), ptr::null_mut(), &at_once);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut());
        }
    }
}

fn sigpipe() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGPIPE);
        set.assume_init()
    }
}
