//! Nothing is sent twice that could do harm twice.

use proptest::prelude::*;

use super::{CallKind, MOST_FLIGHTS, Next, Plan};
use crate::error::ErrorKind;
use crate::transport::retry::{Fate, Meaning, Remedy};

fn meaning(fate: Fate, remedy: Remedy) -> Meaning {
    Meaning { kind: ErrorKind::Unavailable, fate, remedy }
}

fn flying(kind: CallKind) -> Plan {
    let mut plan = Plan::new(kind);
    plan.launched();
    plan
}

#[test]
fn a_write_whose_fate_is_unknown_is_the_end_of_it() {
    let mut plan = flying(CallKind::Write);
    assert_eq!(plan.failed(meaning(Fate::Unknown, Remedy::Again)), Next::Stop);
    assert!(plan.maybe_applied(0));
}

#[test]
fn a_write_that_was_never_sent_or_was_refused_is_sent_again() {
    for fate in [Fate::NeverSent, Fate::Refused] {
        let mut plan = flying(CallKind::Write);
        assert!(matches!(plan.failed(meaning(fate, Remedy::Again)), Next::Pause(_)));
        assert!(!plan.maybe_applied(0));
    }
}

#[test]
fn a_silent_write_waits_for_its_own_answer_unless_it_could_be_withdrawn() {
    assert_eq!(flying(CallKind::Write).silent(0), Next::Wait);
    assert_eq!(flying(CallKind::Write).silent(1), Next::Launch);
    assert!(flying(CallKind::Write).maybe_applied(1));
}

#[test]
fn a_silent_read_is_hedged_but_not_without_end() {
    let mut plan = flying(CallKind::Read);
    for _ in 1..MOST_FLIGHTS {
        assert_eq!(plan.silent(0), Next::Launch);
        plan.launched();
    }
    assert_eq!(plan.silent(0), Next::Wait);
}

#[test]
fn a_failed_read_waits_for_those_still_in_the_air() {
    let mut plan = flying(CallKind::Read);
    plan.launched();
    assert_eq!(plan.failed(meaning(Fate::Unknown, Remedy::Again)), Next::Wait);
    assert!(matches!(plan.failed(meaning(Fate::Unknown, Remedy::Again)), Next::Pause(_)));
}

#[test]
fn pauses_grow_and_stay_short() {
    let mut plan = Plan::new(CallKind::Read);
    let mut before = std::time::Duration::ZERO;
    for _ in 0..50 {
        plan.launched();
        let Next::Pause(pause) = plan.failed(meaning(Fate::NeverSent, Remedy::Again)) else {
            unreachable!("nothing is in the air")
        };
        assert!(pause >= before && pause <= super::LONGEST_PAUSE);
        before = pause;
    }
}

/// What happens to the newest flight.
#[derive(Clone, Copy, Debug)]
enum Event {
    Fails(Fate, Remedy),
    Silence { withdrawn: bool },
}

fn event() -> impl Strategy<Value = Event> {
    let fate = prop_oneof![Just(Fate::NeverSent), Just(Fate::Refused), Just(Fate::Unknown)];
    let remedy = prop_oneof![Just(Remedy::None), Just(Remedy::Again), Just(Remedy::NewToken)];
    prop_oneof![
        (fate, remedy).prop_map(|(fate, remedy)| Event::Fails(fate, remedy)),
        any::<bool>().prop_map(|withdrawn| Event::Silence { withdrawn }),
    ]
}

proptest! {
    #[test]
    fn a_write_is_in_the_air_once_and_never_again_after_an_unknown_fate(events in prop::collection::vec(event(), 1..40)) {
        let mut plan = flying(CallKind::Write);
        let mut in_air = 1;
        let mut unknown = false;
        for event in events {
            let next = match event {
                Event::Fails(fate, remedy) => {
                    in_air -= 1;
                    unknown |= fate == Fate::Unknown;
                    plan.failed(meaning(fate, remedy))
                }
                Event::Silence { withdrawn } => {
                    in_air -= i32::from(withdrawn);
                    plan.silent(u32::from(withdrawn))
                }
            };
            prop_assert_eq!(plan.maybe_applied(in_air as u32), unknown || in_air > 0);
            match next {
                Next::Stop => break,
                Next::Wait => prop_assert_eq!(in_air, 1),
                Next::Launch | Next::Pause(_) | Next::NewToken => {
                    prop_assert!(!unknown, "sent again although nobody knows what became of it");
                    prop_assert_eq!(in_air, 0);
                    plan.launched();
                    in_air = 1;
                }
            }
        }
    }

    #[test]
    fn a_read_never_may_have_been_applied(events in prop::collection::vec(event(), 1..40)) {
        let mut plan = flying(CallKind::Read);
        for event in events {
            if let Event::Fails(fate, remedy) = event {
                plan.failed(meaning(fate, remedy));
            }
            prop_assert!(!plan.maybe_applied(1));
        }
    }
}
