//! When a request is sent again: the decisions of [`call`](super::call) without clocks and I/O.
//!
//! A request is a set of flights. Reads may have several in the air and start another on any failure that can pass. A
//! write has one, and a second only when it is certain that the first was never carried out.

use std::time::Duration;

use super::retry::{Fate, Meaning, Remedy};

/// What sending a request twice would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// Nothing: it changes nothing.
    Read,
    /// The same, and the member that serves the watches is asked, if it can be: it has what they have told.
    ReadAtHome,
    /// Harm: it is sent again only when it is certain that it was not carried out.
    Write,
    /// Nothing that one more copy would not undo or repeat: a grant with our own id, a revoke, a delete of one
    /// incarnation. Copies may arrive late, after the call has ended: whoever chooses this has thought of that.
    Repeatable,
}

impl CallKind {
    fn is_read(self) -> bool {
        matches!(self, CallKind::Read | CallKind::ReadAtHome)
    }
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Send it, elsewhere than the flights in the air.
    Launch,
    /// Wait for the flights in the air.
    Wait,
    /// Send it after this pause.
    Pause(Duration),
    /// This is the answer.
    Stop,
    /// Get a new token first.
    NewToken,
}

/// More would only load a cluster that is in trouble already.
const MOST_FLIGHTS: u32 = 3;
const SHORTEST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

#[derive(Clone, Debug)]
pub(super) struct Plan {
    kind: CallKind,
    in_air: u32,
    failures: u32,
    uncertain: bool,
}

impl Plan {
    pub(super) fn new(kind: CallKind) -> Self {
        Self { kind, in_air: 0, failures: 0, uncertain: false }
    }

    pub(super) fn launched(&mut self) {
        self.in_air += 1;
    }

    /// A flight ended with an error.
    pub(super) fn failed(&mut self, meaning: Meaning) -> Next {
        self.in_air = self.in_air.saturating_sub(1);
        self.uncertain |= meaning.fate == Fate::Unknown;
        match meaning.remedy {
            Remedy::None => Next::Stop,
            _ if self.kind == CallKind::Write && meaning.fate == Fate::Unknown => Next::Stop,
            Remedy::NewToken => Next::NewToken,
            Remedy::Again if self.in_air > 0 => Next::Wait,
            Remedy::Again => {
                self.failures = self.failures.saturating_add(1);
                let doubled = SHORTEST_PAUSE.saturating_mul(1 << (self.failures - 1).min(8));
                Next::Pause(doubled.min(LONGEST_PAUSE))
            }
        }
    }

    /// Nothing came for a while. `withdrawn` flights were never sent, and now never will be.
    pub(super) fn silent(&mut self, withdrawn: u32) -> Next {
        self.in_air = self.in_air.saturating_sub(withdrawn);
        match self.kind {
            CallKind::Write if self.in_air > 0 => Next::Wait,
            _ if self.in_air >= MOST_FLIGHTS => Next::Wait,
            _ => Next::Launch,
        }
    }

    /// The other flights are given up, of which so many were sent.
    pub(super) fn gave_up(&mut self, sent: u32) {
        self.uncertain |= sent > 0;
        self.in_air = 0;
    }

    /// Whether giving up now, with `sent` flights in the air that left, leaves it open what became of the request.
    pub(super) fn maybe_applied(&self, sent: u32) -> bool {
        !self.kind.is_read() && (self.uncertain || sent > 0)
    }
}

#[cfg(test)]
mod tests;
