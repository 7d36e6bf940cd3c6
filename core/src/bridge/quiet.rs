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
