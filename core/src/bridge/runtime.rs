//! One runtime per process, on a thread of its own.
//!
//! It starts with the first client and ends when the last has given everything back. A current-thread runtime: its
//! requests had the lower latency (facts.md: get p50 107 µs against 160 µs), and one thread is what a host that embeds
//! us expects. Our threads take none of the host's signals.

use std::future::Future;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

use super::per_process::PerProcess;
use crate::client::Client;
use crate::client_config::ClientConfig;
use crate::error::{Error, ErrorKind, Result};

/// Keeps the runtime running. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Runtime(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: Handle,
    stop: CancellationToken,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The current runtime of this process.
static CURRENT: PerProcess<Mutex<Weak<Inner>>> = PerProcess::new();

impl Runtime {
    /// The process's runtime; starts it when there is none.
    ///
    /// # Errors
    /// ResourceExhausted when the system gives no thread or no file descriptor.
    pub fn shared(op: &'static str) -> Result<Self> {
        let mut current = CURRENT.get().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(inner) = current.upgrade() {
            return Ok(Self(inner));
        }
        let failed = |error: std::io::Error| Error::new(ErrorKind::ResourceExhausted, op).with_source(error);
        let runtime =
            Builder::new_current_thread().enable_all().thread_name("gocore-etcd-io").build().map_err(failed)?;
        let inner = Arc::new(Inner { handle: runtime.handle().clone(), stop: CancellationToken::new() });
        let stop = inner.stop.clone();
        spawn_quiet_thread("gocore-etcd", move || {
            runtime.block_on(stop.cancelled());
            // A resolver that hangs must not hold anybody up.
            runtime.shutdown_background();
        })
        .map_err(failed)?;
        *current = Arc::downgrade(&inner);
        Ok(Self(inner))
    }

    /// Connects a client whose tasks run here; the runtime goes on until they have ended.
    ///
    /// # Errors
    /// Those of [`Client::connect`].
    pub async fn connect(self, config: ClientConfig) -> Result<Client> {
        let client = Client::connect(config).await?;
        let ended = client.ended();
        self.handle().clone().spawn(async move {
            ended.await;
            drop(self);
        });
        Ok(client)
    }

    /// Whether this is its own thread, which must not wait for what it does itself.
    pub fn is_this_thread() -> bool {
        Handle::try_current().is_ok()
    }

    /// To start things on it. Does not keep it running.
    pub(super) fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Runs `work` on it without anybody waiting.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let keeps = self.clone();
        self.handle().spawn(async move {
            work.await;
            drop(keeps);
        });
    }
}

/// Starts a thread that takes none of the signals meant for the host: only those that tell of its own faults.
///
/// # Errors
/// When the system gives no thread.
pub fn spawn_quiet_thread(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<thread::JoinHandle<()>> {
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
    // changes this thread's mask alone. A new thread inherits the mask; ours is put back right after.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in OWN_FAULTS {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, blocked.as_ptr(), before.as_mut_ptr());
    }
    let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
    // SAFETY: `before` was initialised above.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut()) };
    thread
}
