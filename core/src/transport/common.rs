//! What all endpoints of a client share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use super::health::Standing;
use super::token::{TokenVersion, Tokens};

pub(super) struct Common {
    pub(super) tokens: Arc<Tokens>,
    /// The key that probes read.
    pub(super) probe_key: Vec<u8>,
    /// How many endpoints are healthy.
    healthy: AtomicUsize,
    /// Ticks when an endpoint was judged.
    pub(super) judged: watch::Sender<u64>,
    /// The token with which a request of `raw()` was last refused.
    pub(super) refused: watch::Sender<Option<TokenVersion>>,
}

impl Common {
    pub(super) fn new(tokens: Arc<Tokens>, probe_key: Vec<u8>) -> Arc<Self> {
        Arc::new(Self {
            tokens,
            probe_key,
            healthy: AtomicUsize::new(0),
            judged: watch::Sender::new(0),
            refused: watch::Sender::new(None),
        })
    }

    /// An endpoint's standing has changed.
    pub(super) fn count(&self, before: Standing, after: Standing) {
        match (before == Standing::Healthy, after == Standing::Healthy) {
            (false, true) => self.healthy.fetch_add(1, Ordering::Relaxed),
            (true, false) => self.healthy.fetch_sub(1, Ordering::Relaxed),
            _ => return,
        };
    }

    /// Whether there is a healthy endpoint besides one of this standing.
    pub(super) fn has_healthy_besides(&self, standing: Standing) -> bool {
        self.healthy.load(Ordering::Relaxed) > usize::from(standing == Standing::Healthy)
    }
}
