//! One keep-alive stream: the thin shell around [`Renewals`].
//!
//! It is reopened at once when it ends, on another endpoint when it is silent; meanwhile the local deadlines run on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::renewals::Renewals;
use super::{CLOSED, Command, Leases, Purpose};
use crate::error::{Error, ErrorKind, Result};
use crate::time::{BootTime, Deadline, jittered, sleep_until};
use crate::transport::{KeepAlive, KeepAliveAnswer, TokenVersion, Transport};

/// How long a connection, or a new token, may take before it is tried again.
const OPENING: Duration = Duration::from_secs(5);

pub(super) struct Task {
    transport: Transport,
    orders: mpsc::UnboundedReceiver<Command>,
    load: Arc<AtomicUsize>,
    leases: Leases,
    purpose: Purpose,
    renewals: Renewals,
    /// Ends with its last lease instead of waiting for the next.
    alone: bool,
    /// How often in a row a stream ended without a single answer.
    failures: u32,
}

impl Task {
    pub(super) fn new(
        transport: Transport,
        orders: mpsc::UnboundedReceiver<Command>,
        load: Arc<AtomicUsize>,
        leases: Leases,
        purpose: Purpose,
        alone: bool,
    ) -> Self {
        Self { transport, orders, load, leases, purpose, renewals: Renewals::default(), alone, failures: 0 }
    }

    /// Runs as long as somebody can hand it leases; the client's tasks end it at close.
    pub(super) async fn run(mut self) {
        loop {
            if self.renewals.is_empty() {
                // No stream is kept open for nothing.
                match self.orders.recv().await {
                    Some(order) => self.obey(order),
                    None => return,
                }
                self.count();
                if self.alone && self.renewals.is_empty() {
                    return;
                }
                continue;
            }
            let token = self.transport.token_version();
            let transport = self.transport.clone();
            let opening = async move { transport.keep_alive(Deadline::after(OPENING)).await };
            let ended = match self.meanwhile(opening).await {
                Ok(mut stream) => self.serve(&mut stream).await,
                Err(error) => Err(error),
            };
            self.after(ended, token).await;
        }
    }

    /// Serves one stream until it ends, or until there is nothing left to renew.
    async fn serve(&mut self, stream: &mut KeepAlive) -> Result<()> {
        while !self.renewals.is_empty() {
            let now = BootTime::now();
            self.expire(now);
            if self.renewals.is_silent(now) {
                stream.suspect();
                let silent = Error::new(ErrorKind::Unavailable, "lease.keep_alive");
                return Err(silent.with_detail("no answer to a renewal"));
            }
            while let Some(id) = self.renewals.next_to_send(now) {
                // There is room for a whole window; if not, the stream is dead and says so.
                stream.requests.try_send(id).unwrap_or_default();
            }
            self.count();
            tokio::select! {
                answer = stream.message() => {
                    let Some(KeepAliveAnswer { id, ttl }) = answer? else {
                        let ended = Error::new(ErrorKind::Unavailable, "lease.keep_alive");
                        return Err(ended.with_detail("the server ended the stream"));
                    };
                    self.failures = 0;
                    self.renewals.answered(id, ttl, BootTime::now());
                }
                order = self.orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return Ok(()),
                },
                () = wake(self.renewals.wake_at()) => {}
            }
        }
        self.count();
        Ok(())
    }

    /// Puts back what was in flight and waits a little when streams keep ending without an answer.
    async fn after(&mut self, ended: Result<()>, token: TokenVersion) {
        let Err(error) = ended else { return };
        tracing::debug!(%error, leases = self.renewals.len(), "keep-alive stream ended");
        let passing = [ErrorKind::Unavailable, ErrorKind::DeadlineExceeded, ErrorKind::Unauthenticated];
        let refused = !passing.contains(&error.kind());
        if let Some(lease) = self.renewals.stream_ended(refused, BootTime::now()) {
            let id = lease.id();
            tracing::warn!(%error, lease = format_args!("{id:x}"), "a lease ended the stream twice: renewed alone");
            self.leases.keep_alone(lease, self.purpose);
        }
        if error.kind() == ErrorKind::Unauthenticated {
            // A stream keeps the token it was opened with; a new one is asked for once for the whole client.
            let transport = self.transport.clone();
            let refresh = async move { transport.refresh_token(token, Deadline::after(OPENING)).await };
            if let Err(error) = self.meanwhile(refresh).await {
                tracing::debug!(%error, "token refresh for keep-alives failed");
            }
        }
        if self.failures > 0 {
            let pause = Duration::from_millis(20) * 2u32.pow(self.failures.min(5));
            self.meanwhile(tokio::time::sleep(jittered(pause))).await;
        }
        self.failures = self.failures.saturating_add(1);
    }

    /// Does `work`; meanwhile leases expire in time and orders are obeyed.
    async fn meanwhile<F: Future>(&mut self, work: F) -> F::Output {
        tokio::pin!(work);
        loop {
            self.expire(BootTime::now());
            tokio::select! {
                output = &mut work => return output,
                () = wake(self.renewals.next_expiry()) => {}
                Some(order) = self.orders.recv() => self.obey(order),
            }
        }
    }

    fn expire(&mut self, now: BootTime) {
        for lease in self.renewals.expired(now) {
            lease.lose("no renewal was confirmed in time");
        }
    }

    fn obey(&mut self, order: Command) {
        match order {
            Command::Keep(lease) => self.renewals.add(lease),
            Command::Forget(id) => {
                self.renewals.remove(id);
            }
        }
    }

    /// Tells how much room is left.
    fn count(&self) {
        self.load.store(self.renewals.len() + self.orders.len(), Ordering::Relaxed);
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        // At close, or by a panic: nobody renews these any more.
        for lease in self.renewals.take_all() {
            lease.lose(if self.leases.is_closing() { CLOSED } else { "its renewals have ended" });
        }
    }
}

async fn wake(at: Option<BootTime>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
