//! One outage as it went, and whether it cost no more than it may.

use std::time::{Duration, Instant};

use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::not_judged;

use crate::load::{Latency, Outcome};

pub(crate) const OUTAGE: Duration = Duration::from_secs(20);
/// The client's default.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// What may pass on a busy machine between a deadline and our notice of it.
pub(crate) const SLACK: Duration = Duration::from_secs(2);
/// A member is left within 2 s; no put that began later may fail for it.
pub(crate) const DETECTION: Duration = Duration::from_secs(3);
/// A latency that may be noise on a busy machine, however quick calls were before.
const NOISE: Duration = Duration::from_millis(500);
/// A member that takes longer for an answer is not told from a frozen one.
const PATIENCE: Duration = Duration::from_millis(900);
/// A read that met the member would take longer: it is sent to another one after a second.
const HEDGED: Duration = Duration::from_millis(900);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Role {
    Follower,
    Leader,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    Kill,
    Freeze,
    /// The whole machine falls off the network: neither clients nor members reach it.
    BlackHole,
}

/// One outage as it went.
pub(crate) struct Outage {
    pub(crate) what: String,
    pub(crate) role: Role,
    pub(crate) fault: Fault,
    pub(crate) struck: Instant,
    /// A put that began later has no excuse.
    pub(crate) settled: Instant,
    pub(crate) healed: Instant,
    pub(crate) outcomes: Vec<Outcome>,
    /// What became of the same load on a client that does not know the member: what the machine and etcd themselves
    /// cost.
    pub(crate) control: Vec<Outcome>,
    /// Leaders that only a machine without time for its processes can have deposed.
    pub(crate) elections: u64,
}

impl Outage {
    fn calls(&self, is_put: bool) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(move |call| call.is_put == is_put)
    }

    /// How long calls took that began in the second half of the outage.
    fn late(&self, outcomes: &[Outcome], is_put: bool) -> Latency {
        let late = self.struck + OUTAGE / 2..self.healed;
        Latency::of(outcomes.iter().filter(|call| call.is_put == is_put && late.contains(&call.began)))
    }

    pub(crate) fn judge(&self) {
        let failed = |is_put| self.calls(is_put).filter(|call| call.error.is_some()).count();
        let Outage { what, elections, .. } = self;
        println!(
            "{what}: {} gets and {} puts of {} each failed",
            failed(false),
            failed(true),
            self.calls(true).count()
        );
        if *elections > 0 {
            return not_judged(what, "this machine is so busy that the members without a fault lost their leader");
        }
        let concerned = |call: &&Outcome| (self.settled..self.healed).contains(&call.began);
        if self.control.iter().filter(concerned).any(|call| call.took > PATIENCE) {
            return not_judged(what, "this machine is so busy that members without a fault seem to be silent");
        }
        self.judge_failures();
        self.judge_latency("gets", false);
        self.judge_latency("puts", true);
    }

    fn judge_failures(&self) {
        let Outage { what, struck, settled, .. } = self;
        let failed_get = self.calls(false).find_map(|get| get.error.as_ref());
        assert!(failed_get.is_none(), "{what}: {failed_get:?}");
        let mut last = Duration::ZERO;
        let mut failed = 0;
        for put in self.calls(true) {
            let Some(error) = &put.error else { continue };
            let at = put.began.saturating_duration_since(*struck);
            (last, failed) = (last.max(at), failed + 1);
            assert!(put.began + put.took >= *struck && put.began < *settled, "{what}: no excuse at {at:?}: {error}");
            assert!(matches!(error.kind(), ErrorKind::DeadlineExceeded | ErrorKind::Unavailable), "{what}: {error}");
            assert!(error.maybe_applied(), "{what}: what was never sent is sent elsewhere: {error}");
            assert!(put.took <= REQUEST_TIMEOUT + SLACK, "{what}: ended only after {:?}: {error}", put.took);
        }
        println!("{what}: the last put that failed began {last:.1?} after the fault");
        let exposed = self.calls(true).filter(|put| (*struck..*settled).contains(&put.began)).count();
        match (self.role, self.fault) {
            // Only what was under way at that moment.
            (Role::Follower, Fault::Kill) => assert!(last < DETECTION / 3 && failed <= 10, "{what}: {failed} failed"),
            // A third of the puts goes to each member.
            (Role::Follower, _) => assert!(failed <= exposed / 2, "{what}: {failed} of {exposed} failed"),
            (Role::Leader, _) => {}
        }
    }

    fn judge_latency(&self, name: &str, is_put: bool) {
        let Outage { what, struck, .. } = self;
        let before = Latency::of(self.calls(is_put).filter(|call| call.began + call.took < *struck));
        let (during, control) = (self.late(&self.outcomes, is_put), self.late(&self.control, is_put));
        println!("{what}: {name} before {before}, in the second half of the outage {during}, control {control}");
        println!("{what}: {name} in all {}", Latency::of(self.calls(is_put)));
        if control.p99 > NOISE {
            return not_judged(what, "this machine is so busy that calls are slow without a fault");
        }
        let limit = (before.p99 * 20).clamp(NOISE, HEDGED).max(control.p99 * 2);
        assert!(during.p99 < limit, "{what}: {name} are slow as long as the member is away");
    }
}
