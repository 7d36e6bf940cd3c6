//! What there is to tell of a candidacy, and what of that a consumer was told. No I/O.

use super::CandidacyState;
use crate::error::{Error, Result};

/// The newest that there is to tell.
#[derive(Debug)]
pub(crate) struct Tale {
    pub(crate) state: CandidacyState,
    /// The last failure that does not pass by itself, and how many there have been.
    failure: Option<Error>,
    failures: u64,
}

impl Tale {
    pub(crate) fn new() -> Self {
        Self { state: CandidacyState::Waiting { place: None }, failure: None, failures: 0 }
    }

    pub(crate) fn fail(&mut self, error: Error) {
        self.failures += 1;
        self.failure = Some(error);
    }

    /// The last failure, unless it is over.
    pub(super) fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    /// It is over: who has not heard of it need not.
    pub(super) fn succeed(&mut self) {
        self.failure = None;
    }
}

/// What a consumer was told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    state: Option<CandidacyState>,
    failures: u64,
}

impl Told {
    /// What is to be told next, if there is news.
    pub(crate) fn next(&mut self, tale: &Tale) -> Option<Result<CandidacyState>> {
        if tale.failures > self.failures {
            self.failures = tale.failures;
            if let Some(failure) = &tale.failure {
                return Some(Err(failure.clone()));
            }
        }
        let state = match (self.state, tale.state) {
            (Some(told), now) if told == now => return None,
            // So that nobody who was slow takes two leaderships for one.
            (Some(CandidacyState::Leading { .. }), CandidacyState::Leading { .. }) => CandidacyState::Lost,
            (_, now) => now,
        };
        self.state = Some(state);
        Some(Ok(state))
    }

    /// Whether nothing can come any more.
    pub(crate) fn is_all(&self) -> bool {
        self.state == Some(CandidacyState::Resigned)
    }
}
