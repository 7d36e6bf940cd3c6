//! One attempt at a request: what [`call`](super::call) tells the service that carries it, and what it hears back.
//!
//! The two meet below etcd-client, which knows nothing of either; a task-local carries the attempt through it.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::task::futures::TaskLocalFuture;

use super::body::Loan;
use super::endpoint::Endpoint;
use super::health::Sign;
use super::locked;
use super::picker::EndpointId;
use super::token::TokenVersion;

tokio::task_local! {
    static CURRENT: Arc<Attempt>;
}

#[derive(Default)]
pub(super) struct Attempt {
    /// Where other attempts at the same request are.
    avoid: Vec<EndpointId>,
    /// Rather where the watches are.
    at_home: bool,
    place: Mutex<Option<Place>>,
    was_suspected: AtomicBool,
    /// How much of the answer has come, and how much of it had when we last looked.
    heard: AtomicU32,
    known: AtomicU32,
}

/// Where the attempt is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) loan: Arc<Loan>,
    pub(super) token: TokenVersion,
}

impl Attempt {
    pub(super) fn new(avoid: Vec<EndpointId>, at_home: bool) -> Arc<Self> {
        Arc::new(Self { avoid, at_home, ..Self::default() })
    }

    /// Runs `request` as this attempt.
    pub(super) fn run<F: Future>(self: Arc<Self>, request: F) -> TaskLocalFuture<Arc<Self>, F> {
        CURRENT.scope(self, request)
    }

    /// The attempt in whose [`run`](Self::run) we are; None for a request of `raw()`.
    pub(super) fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Arc::clone).ok()
    }

    pub(super) fn avoid(&self) -> &[EndpointId] {
        &self.avoid
    }

    pub(super) fn is_at_home(&self) -> bool {
        self.at_home
    }

    pub(super) fn put_at(&self, place: Place) {
        *locked(&self.place) = Some(place);
    }

    /// None before the service has chosen.
    pub(super) fn place(&self) -> Option<Place> {
        locked(&self.place).clone()
    }

    /// Something of the answer came.
    pub(super) fn hear(&self) {
        self.heard.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether something came since this was last asked: a large answer takes its time, and is no silence.
    pub(super) fn was_heard(&self) -> bool {
        let heard = self.heard.load(Ordering::Relaxed);
        self.known.swap(heard, Ordering::Relaxed) != heard
    }

    /// Nothing came for a while: has its endpoint looked at. It is avoided for that only the first time; if the probe
    /// then finds it healthy, this request is slow and others need not suffer for it. The endpoint, the first time.
    pub(super) fn suspect(&self) -> Option<Arc<Endpoint>> {
        let place = self.place()?;
        let again = self.was_suspected.swap(true, Ordering::Relaxed);
        place.endpoint.notice(if again { Sign::Doubt } else { Sign::Trouble });
        (!again).then_some(place.endpoint)
    }

    /// Whether it was certainly never sent, and now never will be.
    pub(super) fn withdraw(&self) -> bool {
        match self.place() {
            Some(place) => place.loan.take_back().is_some(),
            // The service was not even reached; and it will not be, as whoever withdraws drops the attempt.
            None => true,
        }
    }
}
