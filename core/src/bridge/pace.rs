//! What is begun again and again, and may end at once: with pauses, so that it does not spin.

use std::time::Duration;

use crate::time::{Backoff, Deadline};

/// Pauses after turns that were short, each twice as long as the one before; a long turn is followed by none.
#[derive(Debug)]
pub struct Pace {
    backoff: Backoff,
    longest: Duration,
    /// When the turn that runs is a long one.
    long: Deadline,
}

impl Pace {
    /// From `shortest` to `longest`, ±10 %; a turn of `longest` is long.
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { backoff: Backoff::new(shortest, longest), longest, long: Deadline::NEVER }
    }

    /// A turn begins.
    pub fn begin(&mut self) {
        self.long = Deadline::after(self.longest);
    }

    /// It has ended. Runs in a tokio runtime.
    ///
    /// # Cancel safety
    /// Safe: the next pause is longer all the same.
    pub async fn end(&mut self) {
        match self.long.has_passed() {
            true => self.backoff.reset(),
            false => self.backoff.pause().await,
        }
    }
}
