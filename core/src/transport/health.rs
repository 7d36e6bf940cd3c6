//! Whether one endpoint can be used: a plain state machine, time as a parameter, no I/O.
//!
//! Requests only raise suspicion; a probe judges. So a large, slow request never condemns a healthy member, and a member
//! that answers some things but has lost its leader is not mistaken for a healthy one. A probe that finds nobody makes
//! the endpoint [`Standing::Away`]; from then on it is probed with growing pauses until it answers.

use std::time::Duration;

use crate::time::BootTime;

/// How much an endpoint is to be preferred: the lower, the better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    Healthy = 0,
    /// Something looked wrong and the probe has not judged yet, or the member has no quorum.
    Suspect = 1,
    /// Nobody there.
    Away = 2,
}

impl Standing {
    /// The inverse of `as u8`.
    pub(super) fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Healthy,
            1 => Self::Suspect,
            _ => Self::Away,
        }
    }
}

/// What a request noticed in passing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// An answer came; only of interest when nobody expected one.
    Answered,
    /// A request was given up before its answer: worth a look, no reason to avoid the endpoint.
    Doubt,
    /// No answer for long, or the answer was that there is no leader, or the connection broke.
    Trouble,
    /// No connection: there is nobody to send to.
    Unreachable,
}

/// What a probe found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Alive,
    /// It answers, but has no quorum behind it.
    NoQuorum,
    Unreachable,
    /// There is a connection, or the attempt at one, and nothing comes back.
    Silent,
}

/// What follows from a sign or a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// It was away, and is used again.
    Returned,
    /// Not used any more; its connections show by themselves whether they still live.
    Left,
    /// Not used any more, and its connections must be given up: they may stay silent long after the member is back.
    Cut,
    /// Still away and silent; the connections made meanwhile are as good as those before.
    CutAgain,
}

/// A member that is cut off from the others knows it after three election ticks, and etcd ends its streams then; a
/// leader election is over by then. Between the two lies the time after which we leave.
const NO_QUORUM_PATIENCE: Duration = Duration::from_secs(3);

const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Requests that were given up cause at most this many probes.
const DOUBT_INTERVAL: Duration = Duration::from_millis(200);

/// The first judgement must be quick; later ones may wait for a slow network.
const SHORTEST_PATIENCE: Duration = Duration::from_secs(1);
const LONGEST_PATIENCE: Duration = Duration::from_secs(4);

/// The state of one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Health {
    standing: Standing,
    /// When to probe; None: no need.
    due: Option<BootTime>,
    failures: u32,
    no_quorum_since: Option<BootTime>,
    doubted: BootTime,
}

impl Health {
    /// Nothing is known yet, so a probe is due at once.
    pub(super) fn new() -> Self {
        Self {
            standing: Standing::Suspect,
            due: Some(BootTime::ZERO),
            failures: 0,
            no_quorum_since: None,
            doubted: BootTime::ZERO,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing
    }

    /// When the next probe is due; None: when something looks wrong.
    pub(super) fn due(&self) -> Option<BootTime> {
        self.due
    }

    /// How long the next probe may wait for its answer.
    pub(super) fn patience(&self) -> Duration {
        doubled(SHORTEST_PATIENCE, self.failures, LONGEST_PATIENCE)
    }

    pub(super) fn notice(&mut self, sign: Sign, now: BootTime) -> Change {
        match (sign, self.standing) {
            (Sign::Answered, Standing::Away) => self.due = Some(now),
            (Sign::Answered, _) => {}
            (Sign::Doubt, Standing::Healthy) if self.due.is_none() => {
                if self.doubted.plus(DOUBT_INTERVAL) <= now {
                    self.doubted = now;
                    self.due = Some(now);
                }
            }
            (Sign::Doubt, _) => {}
            (Sign::Trouble, Standing::Healthy) => {
                self.standing = Standing::Suspect;
                self.due = Some(now);
            }
            (Sign::Trouble, _) => {}
            (Sign::Unreachable, Standing::Away) => {}
            (Sign::Unreachable, _) => {
                self.standing = Standing::Away;
                self.due = Some(now.plus(SHORTEST_PAUSE));
                return Change::Left;
            }
        }
        Change::None
    }

    /// The last probe says nothing; the next one, due now, gets more time.
    pub(super) fn excuse(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Takes a probe's verdict. `spread` in 0..1 spreads the pauses of many clients; `elsewhere` says whether there is a
    /// healthy endpoint to go to.
    pub(super) fn judge(&mut self, verdict: Verdict, now: BootTime, spread: f64, elsewhere: bool) -> Change {
        let before = self.standing;
        if verdict == Verdict::Alive {
            *self = Self { standing: Standing::Healthy, due: None, failures: 0, no_quorum_since: None, ..*self };
            return if before == Standing::Away { Change::Returned } else { Change::None };
        }
        let pause = doubled(SHORTEST_PAUSE, self.failures, LONGEST_PAUSE).mul_f64(0.75 + 0.5 * spread);
        self.due = Some(now.plus(pause));
        self.failures = self.failures.saturating_add(1);
        if verdict == Verdict::NoQuorum {
            let since = *self.no_quorum_since.get_or_insert(now);
            let lasting = since.plus(NO_QUORUM_PATIENCE) <= now;
            self.standing = if lasting { Standing::Away } else { before.max(Standing::Suspect) };
        } else {
            self.no_quorum_since = None;
            self.standing = Standing::Away;
        }
        match (verdict, before) {
            (Verdict::Silent, Standing::Away) => Change::CutAgain,
            (_, Standing::Away) => Change::None,
            _ if self.standing != Standing::Away => Change::None,
            // A whole cluster that stalls for a moment goes on where it was, if nobody has cut its streams meanwhile.
            (Verdict::Silent | Verdict::NoQuorum, _) if elsewhere => Change::Cut,
            _ => Change::Left,
        }
    }
}

fn doubled(first: Duration, times: u32, limit: Duration) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(limit)
}

#[cfg(test)]
mod tests;
