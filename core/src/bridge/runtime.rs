//! One runtime per process, with a thread of its own that keeps it running.
//!
//! It starts with the first client and ends when the last has given everything back. A current-thread runtime: its
//! requests had the lower latency (facts.md: get p50 107 µs against 160 µs), and one thread is what a host that embeds
//! us expects. A thread of the host's that waits may run it instead of the keeper (`helm`). Our threads take none of the
//! host's signals.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::helm::Helm;
use super::per_process::PerProcess;
use super::quiet::{be_quiet, spawn_quiet_thread};
use crate::client::Client;
use crate::client_config::ClientConfig;
use crate::error::{Error, ErrorKind, Result};

/// Keeps the runtime running. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Runtime(Arc<Inner>);

/// The order matters: the last who has the helm is the keeper, which ends the runtime; nobody else could who is inside.
#[derive(Debug)]
struct Inner {
    helm: Arc<Helm>,
    _stop: DropGuard,
}

/// Something to be carried out.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

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
        let new = Self::begin(op)?;
        *current = Arc::downgrade(&new.0);
        Ok(new)
    }

    fn begin(op: &'static str) -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(ErrorKind::ResourceExhausted, op).with_source(error);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .thread_name("gocore-etcd-io")
            // It is started by whoever is at the helm.
            .on_thread_start(|| {
                be_quiet();
            })
            .build()
            .map_err(failed)?;
        let (helm, stop) = (Arc::new(Helm::new(runtime)), CancellationToken::new());
        let inner = Arc::new(Inner { helm: helm.clone(), _stop: stop.clone().drop_guard() });
        spawn_quiet_thread("gocore-etcd", move || {
            helm.keep(&stop);
            if let Some(helm) = Arc::into_inner(helm) {
                helm.end();
            }
        })
        .map_err(failed)?;
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
        self.0.helm.handle()
    }

    /// Runs `work` on it without anybody waiting.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let keeps = self.clone();
        self.handle().spawn(async move {
            work.await;
            drop(keeps);
        });
        self.0.helm.call();
    }

    /// Runs all of it without anybody waiting; where it is begun together, it has its first turn together.
    pub fn spawn_all(work: Vec<(Self, Work)>) {
        if let Some((first, _)) = work.first() {
            // Woken once, not for each.
            first.clone().spawn(async move { work.into_iter().for_each(|(runtime, work)| runtime.spawn(work)) });
        }
    }

    /// Has `work` carried out while this thread waits for what it does by `wait`, which is given what is left of
    /// `patience`. Where nobody else waits, this thread carries it out itself, and finds it done. When patience is over, the
    /// work goes on without it.
    pub fn wait_for<T>(&self, work: Work, patience: Duration, wait: impl FnOnce(Duration) -> T) -> T {
        let waiting = self.0.helm.come();
        if waiting.is_at_helm() {
            if let Some(work) = waiting.run(work, patience) {
                self.spawn(work);
            }
            return wait(Duration::ZERO);
        }
        self.spawn(work);
        wait(patience)
    }
}

#[cfg(test)]
mod tests;
