//! How a candidacy stands, and what of that was told. No I/O.

use std::sync::Arc;

use super::CandidacyState;
use crate::election::Leadership;
use crate::error::{Error, ErrorKind, Result};

/// What the task that campaigns makes known.
#[derive(Debug)]
pub(super) struct Standing {
    state: CandidacyState,
    /// The one it leads by, or led by when it resigned.
    leadership: Option<Arc<Leadership>>,
    /// The last failure that does not pass by itself, and how many there have been.
    failure: Option<Error>,
    failures: u64,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self { state: CandidacyState::Waiting { place: None }, leadership: None, failure: None, failures: 0 }
    }

    pub(super) fn queued(&mut self, place: u64) {
        self.state = CandidacyState::Waiting { place: Some(place) };
        self.failure = None;
    }

    pub(super) fn won(&mut self, leadership: Arc<Leadership>) {
        self.state = CandidacyState::Leading { token: leadership.token() };
        self.leadership = Some(leadership);
        self.failure = None;
    }

    pub(super) fn lost(&mut self) -> Option<Arc<Leadership>> {
        self.state = CandidacyState::Lost;
        self.leadership.take()
    }

    /// A campaign has failed and is begun again. What does not pass by itself is to be told; the same again is no news.
    pub(super) fn failed(&mut self, error: Error) {
        let is_lost = error.kind() == ErrorKind::Lost;
        // A place may be lost before it was counted.
        if is_lost || self.state != (CandidacyState::Waiting { place: None }) {
            self.state = CandidacyState::Lost;
        }
        let is_news = self.failure.as_ref().is_none_or(|told| told.kind() != error.kind());
        if !is_lost && !error.is_retryable() && is_news {
            self.failures += 1;
            self.failure = Some(error);
        }
    }

    pub(super) fn resigned(&mut self) {
        self.state = CandidacyState::Resigned;
        if let Some(leadership) = &self.leadership {
            leadership.give_back();
        }
    }

    pub(super) fn take_leadership(&mut self) -> Option<Arc<Leadership>> {
        self.leadership.take()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.state == CandidacyState::Resigned
    }

    /// The leadership while it leads.
    pub(super) fn leadership(&self) -> Option<&Arc<Leadership>> {
        self.leadership.as_ref().filter(|leadership| leadership.is_leader())
    }

    /// The leadership it had when it ended.
    pub(super) fn last(&self) -> Option<Arc<Leadership>> {
        self.leadership.clone()
    }

    /// The state, by the clock: that the leadership is over is known before anybody was told.
    pub(super) fn state(&self) -> CandidacyState {
        match (self.state, &self.leadership) {
            (CandidacyState::Leading { .. }, Some(over)) if !over.is_leader() => match over.was_given_back() {
                true => CandidacyState::Resigned,
                false => CandidacyState::Lost,
            },
            (state, _) => state,
        }
    }
}

/// What a consumer was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    state: Option<CandidacyState>,
    failures: u64,
}

impl Told {
    /// What is to be told next, if there is news.
    pub(super) fn next(&mut self, standing: &Standing) -> Option<Result<CandidacyState>> {
        if standing.failures > self.failures {
            self.failures = standing.failures;
            if let Some(failure) = &standing.failure {
                return Some(Err(failure.clone()));
            }
        }
        let state = match (self.state, standing.state) {
            (Some(told), now) if told == now => return None,
            // So that nobody who was slow takes two leaderships for one.
            (Some(CandidacyState::Leading { .. }), CandidacyState::Leading { .. }) => CandidacyState::Lost,
            (_, now) => now,
        };
        self.state = Some(state);
        Some(Ok(state))
    }

    /// Whether nothing can come any more.
    pub(super) fn is_all(&self) -> bool {
        self.state == Some(CandidacyState::Resigned)
    }
}

#[cfg(test)]
mod tests;
