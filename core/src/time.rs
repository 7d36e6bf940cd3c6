//! Clocks and deadlines. This is the only file that reads a clock.
//!
//! Two clocks, for two questions. How long may this call take: tokio's monotonic clock, in a [`Deadline`]. How long
//! does the server still keep my lease: CLOCK_BOOTTIME, in a [`BootTime`], because a lease runs on while this machine
//! is suspended, and CLOCK_MONOTONIC does not.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// When a call must have ended: absolute, so that connecting, retries and waiting all count against it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deadline(Option<Instant>);

/// The deadline passed before the answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("deadline exceeded")]
pub(crate) struct Elapsed;

impl Deadline {
    /// No limit: for calls that wait for others.
    pub(crate) const NEVER: Deadline = Deadline(None);

    /// A duration too large for the clock is no limit.
    pub(crate) fn after(duration: Duration) -> Self {
        Self(Instant::now().checked_add(duration))
    }

    /// The earlier of the two.
    pub(crate) fn min(self, other: Deadline) -> Deadline {
        match (self.0, other.0) {
            (Some(a), Some(b)) => Deadline(Some(a.min(b))),
            (a, b) => Deadline(a.or(b)),
        }
    }

    /// What is left; None means no limit, zero means it has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// Runs `future` until it ends or the deadline passes.
    ///
    /// # Cancel safety
    /// As safe as `future` itself: at the deadline it is dropped.
    pub(crate) async fn limit<F: Future>(self, future: F) -> Result<F::Output, Elapsed> {
        match self.0 {
            Some(at) => tokio::time::timeout_at(at, future).await.map_err(|_| Elapsed),
            None => Ok(future.await),
        }
    }

    /// Ends at the deadline; never, when there is none.
    pub(crate) async fn passed(self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

/// A point on CLOCK_BOOTTIME in nanoseconds: monotonic, and running while the machine is suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BootTime(u64);

impl BootTime {
    /// Before every reading of the clock.
    pub(crate) const ZERO: BootTime = BootTime(0);

    pub(crate) fn now() -> Self {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `now` is a valid timespec that the call fills; it is ours alone.
        let status = unsafe { libc::clock_gettime(CLOCK, &mut now) };
        // Can only fail for an unknown clock; and then a lease must count as over, never as held.
        if status != 0 {
            return BootTime(u64::MAX);
        }
        BootTime((now.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(now.tv_nsec as u64))
    }

    pub(crate) fn from_nanos(nanos: u64) -> Self {
        BootTime(nanos)
    }

    pub(crate) fn as_nanos(self) -> u64 {
        self.0
    }

    /// `duration` later; saturates at the end of the clock.
    pub(crate) fn plus(self, duration: Duration) -> Self {
        BootTime(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// `duration` earlier; saturates at zero.
    pub(crate) fn minus(self, duration: Duration) -> Self {
        BootTime(self.0.saturating_sub(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// How long until then; zero when it has passed.
    pub(crate) fn until(self, now: BootTime) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(now.0))
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
// macOS counts time asleep in CLOCK_MONOTONIC; the BSDs have nothing better.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;

/// Sleeps until `at` on CLOCK_BOOTTIME.
///
/// Timers stand still while the machine is suspended, so the clock is looked at again at least once a second: after a
/// suspension this ends at most a second late. What must be exact compares [`BootTime::now`] itself.
pub(crate) async fn sleep_until(at: BootTime) {
    loop {
        let left = at.until(BootTime::now());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(Duration::from_secs(1))).await;
    }
}

/// Spreads `duration` by ±10 %, so that a fleet that began together does not stay in step.
pub(crate) fn jittered(duration: Duration) -> Duration {
    duration.mul_f64(0.9 + 0.2 * fastrand::f64())
}

/// Pauses between attempts at something that fails: jittered, each twice as long as the one before.
#[derive(Debug)]
pub(crate) struct Backoff {
    shortest: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest, longest, next: shortest }
    }

    /// # Cancel safety
    /// Safe; the next one is longer all the same.
    pub(crate) async fn pause(&mut self) {
        let pause = self.next;
        self.next = (pause * 2).min(self.longest);
        tokio::time::sleep(jittered(pause)).await;
    }

    /// An attempt did not fail.
    pub(crate) fn reset(&mut self) {
        self.next = self.shortest;
    }
}

/// Seconds since 1970, for people to read in a record. Never used to decide anything.
pub(crate) fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests;
