//! Which endpoint the next request goes to.
//!
//! Unary requests go round the best endpoints. Watches and keep-alives of one client stay at one "home" endpoint as
//! long as it is among the best ([`home`](super::home)). Homes are
//! chosen at random, so that the streams of a fleet spread over the members.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::class::Class;
use super::endpoint::Endpoint;
use super::health::Standing;
use super::home::Home;

/// Names an endpoint for as long as the client lives; numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EndpointId(pub(super) u32);

pub(super) struct Picker {
    endpoints: ArcSwap<Vec<Arc<Endpoint>>>,
    turn: AtomicUsize,
    pub(super) home: Home,
}

impl Picker {
    pub(super) fn new(endpoints: Vec<Arc<Endpoint>>) -> Self {
        Self {
            endpoints: ArcSwap::from_pointee(endpoints),
            turn: AtomicUsize::new(fastrand::usize(..1 << 16)),
            home: Home::default(),
        }
    }

    pub(super) fn all(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.endpoints.load_full()
    }

    pub(super) fn replace(&self, endpoints: Vec<Arc<Endpoint>>) {
        self.endpoints.store(Arc::new(endpoints));
    }

    /// The best endpoint that is not in `avoid`; the best of all when every one is. None only without endpoints.
    pub(super) fn pick(&self, class: Class, avoid: &[EndpointId]) -> Option<Arc<Endpoint>> {
        if class == Class::Unary {
            return self.best_from(self.turn.fetch_add(1, Ordering::Relaxed), avoid);
        }
        let endpoint = self.pick_at_home(avoid)?;
        self.home.opened(endpoint.id(), class == Class::KeepAlive);
        Some(endpoint)
    }

    /// The same for a request that rather goes where the watches are.
    pub(super) fn pick_at_home(&self, avoid: &[EndpointId]) -> Option<Arc<Endpoint>> {
        let home = self.home.at();
        let at_home = self.endpoints.load().iter().position(|endpoint| Some(endpoint.id()) == home);
        self.best_from(at_home.unwrap_or_else(|| fastrand::usize(..1 << 16)), avoid)
    }

    fn best_from(&self, start: usize, avoid: &[EndpointId]) -> Option<Arc<Endpoint>> {
        let endpoints = self.endpoints.load();
        let rank = |index: usize| match endpoints.get(index) {
            Some(endpoint) => (avoid.contains(&endpoint.id()), endpoint.standing()),
            None => (true, Standing::Away),
        };
        endpoints.get(best(endpoints.len(), start, rank)?).cloned()
    }
}

/// The first of the lowest rank, counted from `start`.
fn best<R: Ord>(count: usize, start: usize, rank: impl Fn(usize) -> R) -> Option<usize> {
    let first = start.checked_rem(count)?;
    (0..count).map(|step| (first + step) % count).min_by_key(|&index| rank(index))
}

#[cfg(test)]
pub(super) mod tests;
