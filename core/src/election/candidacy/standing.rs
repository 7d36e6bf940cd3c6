//! How a candidacy stands. No I/O.

use std::sync::Arc;

use super::CandidacyState;
use crate::election::Leadership;
use crate::election::told::Tale;
use crate::error::{Error, ErrorKind};

/// What the task that campaigns makes known.
#[derive(Debug)]
pub(super) struct Standing {
    tale: Tale,
    /// The one it leads by, or led by when it resigned.
    leadership: Option<Arc<Leadership>>,
}

impl Standing {
    pub(super) fn new() -> Self {
        Self { tale: Tale::new(), leadership: None }
    }

    /// What consumers are told.
    pub(super) fn tale(&self) -> &Tale {
        &self.tale
    }

    pub(super) fn queued(&mut self, place: u64) {
        self.tale.state = CandidacyState::Waiting { place: Some(place) };
        self.tale.succeed();
    }

    pub(super) fn won(&mut self, leadership: Arc<Leadership>) {
        self.tale.state = CandidacyState::Leading { token: leadership.token() };
        self.leadership = Some(leadership);
        self.tale.succeed();
    }

    pub(super) fn lost(&mut self) -> Option<Arc<Leadership>> {
        self.tale.state = CandidacyState::Lost;
        self.leadership.take()
    }

    /// A campaign has failed and is begun again. What does not pass by itself is to be told; the same again is no news.
    pub(super) fn failed(&mut self, error: Error) {
        let is_lost = error.kind() == ErrorKind::Lost;
        // A place may be lost before it was counted.
        if is_lost || self.tale.state != (CandidacyState::Waiting { place: None }) {
            self.tale.state = CandidacyState::Lost;
        }
        let is_news = self.tale.failure().is_none_or(|told| told.kind() != error.kind());
        if !is_lost && !error.is_retryable() && is_news {
            self.tale.fail(error);
        }
    }

    pub(super) fn resigned(&mut self) {
        self.tale.state = CandidacyState::Resigned;
        if let Some(leadership) = &self.leadership {
            leadership.give_back();
        }
    }

    pub(super) fn take_leadership(&mut self) -> Option<Arc<Leadership>> {
        self.leadership.take()
    }

    pub(super) fn has_ended(&self) -> bool {
        self.tale.state == CandidacyState::Resigned
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
        match (self.tale.state, &self.leadership) {
            (CandidacyState::Leading { .. }, Some(over)) if !over.is_leader() => match over.was_given_back() {
                true => CandidacyState::Resigned,
                false => CandidacyState::Lost,
            },
            (state, _) => state,
        }
    }
}

#[cfg(test)]
mod tests;
