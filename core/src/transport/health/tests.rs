//! Signs raise suspicion, verdicts decide, and nobody is forgotten.

use std::time::Duration;

use proptest::prelude::*;

use super::{Change, Health, LONGEST_PAUSE, NO_QUORUM_PATIENCE, SHORTEST_PAUSE, Sign, Standing, Verdict};
use crate::time::BootTime;

const START: BootTime = BootTime::ZERO;

fn at(millis: u64) -> BootTime {
    START.plus(Duration::from_millis(10_000 + millis))
}

fn healthy() -> Health {
    let mut health = Health::new();
    assert_eq!(health.judge(Verdict::Alive, at(0), 0.5, true), Change::None);
    health
}

#[test]
fn a_new_endpoint_is_probed_at_once_and_not_preferred() {
    let health = Health::new();
    assert_eq!(health.standing(), Standing::Suspect);
    assert!(health.due().is_some_and(|due| due <= START));
}

#[test]
fn a_probe_that_was_not_given_its_time_condemns_nobody_and_the_next_gets_more() {
    let mut health = healthy();
    health.notice(Sign::Trouble, at(1));
    let (standing, patience) = (health.standing(), health.patience());
    health.excuse();
    assert_eq!(health.standing(), standing);
    assert!(health.patience() > patience && health.due().is_some_and(|due| due <= at(1)));
}

#[test]
fn a_slow_request_alone_never_makes_an_endpoint_go_away() {
    let mut health = healthy();
    for second in 1..100 {
        assert_eq!(health.notice(Sign::Trouble, at(second * 1000)), Change::None);
        assert_eq!(health.standing(), Standing::Suspect);
        assert_eq!(health.judge(Verdict::Alive, at(second * 1000 + 1), 0.5, true), Change::None);
        assert_eq!(health.standing(), Standing::Healthy);
    }
}

#[test]
fn a_refused_connection_is_left_at_once_and_its_streams_are_not_cut() {
    let mut health = healthy();
    assert_eq!(health.notice(Sign::Unreachable, at(0)), Change::Left);
    assert_eq!(health.standing(), Standing::Away);
    assert_eq!(health.due(), Some(at(0).plus(SHORTEST_PAUSE)));
    assert_eq!(health.notice(Sign::Unreachable, at(1)), Change::None, "it is left only once");
}

#[test]
fn a_silent_endpoint_loses_its_connections_each_time() {
    let mut health = healthy();
    health.notice(Sign::Trouble, at(0));
    assert_eq!(health.judge(Verdict::Silent, at(1000), 0.5, true), Change::Cut);
    assert_eq!(health.judge(Verdict::Silent, at(2000), 0.5, true), Change::CutAgain);
    assert_eq!(health.judge(Verdict::Alive, at(3000), 0.5, true), Change::Returned);
    assert_eq!((health.standing(), health.due()), (Standing::Healthy, None));
}

#[test]
fn streams_are_not_cut_at_once_when_there_is_nowhere_to_go() {
    let mut health = healthy();
    assert_eq!(health.judge(Verdict::Silent, at(0), 0.5, false), Change::Left);
    assert_eq!(health.judge(Verdict::Silent, at(2000), 0.5, false), Change::CutAgain);
    let mut health = healthy();
    health.judge(Verdict::NoQuorum, at(0), 0.5, false);
    assert_eq!(health.judge(Verdict::NoQuorum, at(3000), 0.5, false), Change::Left);
}

#[test]
fn a_member_without_quorum_is_avoided_and_left_when_it_lasts() {
    let mut health = healthy();
    health.notice(Sign::Trouble, at(0));
    assert_eq!(health.judge(Verdict::NoQuorum, at(0), 0.5, true), Change::None);
    assert_eq!(health.judge(Verdict::NoQuorum, at(2999), 0.5, true), Change::None);
    assert_eq!(health.standing(), Standing::Suspect);
    let lasting = at(0).plus(NO_QUORUM_PATIENCE);
    assert_eq!(health.judge(Verdict::NoQuorum, lasting, 0.5, true), Change::Cut);
    assert_eq!(health.standing(), Standing::Away);
    assert_eq!(health.judge(Verdict::NoQuorum, lasting, 0.5, true), Change::None);
}

#[test]
fn an_unexpected_answer_from_an_absent_endpoint_brings_the_probe_forward() {
    let mut health = healthy();
    health.judge(Verdict::Silent, at(0), 0.5, true);
    health.notice(Sign::Answered, at(5));
    assert_eq!(health.due(), Some(at(5)));
    assert_eq!(health.standing(), Standing::Away, "only the probe says that it is back");
}

#[test]
fn doubts_cause_few_probes_and_no_avoidance() {
    let mut health = healthy();
    let mut probes = 0;
    for milli in 0..1000 {
        health.notice(Sign::Doubt, at(milli));
        assert_eq!(health.standing(), Standing::Healthy);
        if health.due().is_some() {
            probes += 1;
            health.judge(Verdict::Alive, at(milli), 0.5, true);
        }
    }
    assert_eq!(probes, 5);
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Sign(Sign),
    Verdict(Verdict),
}

fn event() -> impl Strategy<Value = Event> {
    use Event::{Sign as S, Verdict as V};
    prop_oneof![
        Just(S(Sign::Answered)),
        Just(S(Sign::Doubt)),
        Just(S(Sign::Trouble)),
        Just(S(Sign::Unreachable)),
        Just(V(Verdict::Alive)),
        Just(V(Verdict::NoQuorum)),
        Just(V(Verdict::Unreachable)),
        Just(V(Verdict::Silent)),
    ]
}

proptest! {
    #[test]
    fn whatever_happens(events in prop::collection::vec((event(), 0u64..3000, 0.0..1.0f64, any::<bool>()), 1..60)) {
        let mut health = Health::new();
        let mut now = at(0);
        for (event, pause, spread, elsewhere) in events {
            now = now.plus(Duration::from_millis(pause));
            let before = health.standing();
            let change = match event {
                Event::Sign(sign) => health.notice(sign, now),
                Event::Verdict(verdict) => health.judge(verdict, now, spread, elsewhere),
            };
            let after = health.standing();
            // Whoever is not healthy is probed again, and soon.
            let latest = now.plus(LONGEST_PAUSE.mul_f64(1.25));
            prop_assert!(after == Standing::Healthy || health.due().is_some_and(|due| due <= latest));
            // Only a probe makes an endpoint better.
            if after < before {
                prop_assert!(matches!(event, Event::Verdict(Verdict::Alive)));
            }
            // What is told follows from the standings.
            let left = before != Standing::Away && after == Standing::Away;
            prop_assert_eq!(matches!(change, Change::Left | Change::Cut), left);
            prop_assert_eq!(change == Change::Returned, before == Standing::Away && after != Standing::Away);
            // A sign never cuts what may still be streaming.
            if matches!(event, Event::Sign(_)) {
                prop_assert!(!matches!(change, Change::Cut | Change::CutAgain));
            }
        }
    }
}
