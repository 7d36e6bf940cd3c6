//! Where the streams of a client are at home: the endpoint that serves its watches and keep-alives.
//!
//! Keep-alives lead, because their answers prove that the endpoint serves; watches follow. So an answered renewal
//! vouches for the member that serves the watches, also after one hung and its stream went elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Transport;
use super::attempt::Attempt;
use super::picker::EndpointId;
use super::service::Hub;
use super::token::TokenVersion;

/// How long a watch stream looks on before it follows, spread by half of it: twice as long after each time in vain.
const PAUSE: Duration = Duration::from_secs(1);
const MOST_DOUBLINGS: u32 = 6;

#[derive(Default)]
pub(super) struct Home(watch::Sender<State>);

#[derive(Clone, Copy, Default)]
struct State {
    at: Option<EndpointId>,
    /// How many keep-alive streams there are.
    keep_alives: usize,
    /// A renewal was answered there.
    vouched_for: bool,
}

impl Home {
    pub(super) fn at(&self) -> Option<EndpointId> {
        self.0.borrow().at
    }

    /// A stream goes to `endpoint`; one of watches decides only while there is no keep-alive.
    pub(super) fn opened(&self, endpoint: EndpointId, is_keep_alive: bool) {
        self.0.send_if_modified(|home| {
            let moves = home.at != Some(endpoint) && (is_keep_alive || home.keep_alives == 0);
            if moves {
                *home = State { at: Some(endpoint), vouched_for: false, ..*home };
            }
            moves
        });
    }

    /// A renewal was answered at `endpoint`: where none has been so far, that is the home.
    pub(super) fn vouch(&self, endpoint: EndpointId) {
        self.0.send_if_modified(|home| {
            let vouches = !home.vouched_for;
            if vouches {
                *home = State { at: Some(endpoint), vouched_for: true, ..*home };
            }
            vouches
        });
    }

    pub(super) fn keep_alive_begins(&self) {
        self.0.send_modify(|home| home.keep_alives += 1);
    }

    /// It was at `endpoint`, if it had come that far. Others may still be elsewhere.
    pub(super) fn keep_alive_ends(&self, endpoint: Option<EndpointId>) {
        self.0.send_modify(|home| {
            home.keep_alives = home.keep_alives.saturating_sub(1);
            home.vouched_for &= home.keep_alives > 0 && home.at != endpoint;
        });
    }

    /// Ends when the home has been elsewhere than `endpoint` at both ends of a pause, and renewals are answered there.
    async fn elsewhere(&self, endpoint: EndpointId, pause: Duration) {
        let mut home = self.0.subscribe();
        let is_elsewhere = |home: &State| home.vouched_for && home.at != Some(endpoint);
        // Never fails: the sender is ours.
        while home.wait_for(is_elsewhere).await.is_ok() {
            tokio::time::sleep(pause).await;
            if is_elsewhere(&home.borrow()) {
                return;
            }
        }
    }
}

/// The stay of one watch stream at an endpoint.
pub(crate) struct Stay {
    hub: Arc<Hub>,
    attempt: Arc<Attempt>,
}

impl Transport {
    /// For a watch stream that is about to be opened.
    pub(crate) fn stay(&self) -> Stay {
        Stay { hub: self.hub(), attempt: Attempt::new(Vec::new(), false) }
    }
}

impl Stay {
    /// Runs the opening of the stream.
    pub(crate) async fn open<F: Future>(&self, opening: F) -> F::Output {
        Arc::clone(&self.attempt).run(opening).await
    }

    /// The token the stream was opened with, and keeps.
    pub(crate) fn token(&self) -> Option<TokenVersion> {
        self.attempt.place().map(|place| place.token)
    }

    /// Whether the stream is where the home is.
    pub(crate) fn is_at_home(&self) -> bool {
        self.endpoint().is_some_and(|endpoint| self.hub.picker.home.at() == Some(endpoint))
    }

    /// Ends when the home is elsewhere, renewals are answered there, and it was not changed for a moment: the longer, the
    /// more often (`times`) the stream has followed in vain.
    ///
    /// # Cancel safety
    /// Begins the moment anew.
    pub(crate) async fn is_over(&self, times: u32) {
        let pause = PAUSE * 2u32.pow(times.min(MOST_DOUBLINGS));
        match self.endpoint() {
            Some(endpoint) => self.hub.picker.home.elsewhere(endpoint, pause.mul_f64(0.5 + fastrand::f64())).await,
            None => std::future::pending().await,
        }
    }

    fn endpoint(&self) -> Option<EndpointId> {
        self.attempt.place().map(|place| place.endpoint.id())
    }
}

#[cfg(test)]
mod tests;
