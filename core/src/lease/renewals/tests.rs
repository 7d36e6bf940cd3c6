use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn lease(id: i64, ttl: u32, now: BootTime) -> Lease {
    Lease::new(id, Ttl(ttl), now)
}

#[test]
fn a_renewal_is_due_at_about_a_third_of_the_ttl() {
    let now = BootTime::now();
    let mut renewals = Renewals::default();
    renewals.add(lease(1, 30, now));
    assert_eq!(renewals.next_to_send(now.plus(8 * SECOND)), None);
    assert_eq!(renewals.next_to_send(now.plus(12 * SECOND)), Some(1));
    assert_eq!(renewals.next_to_send(now.plus(13 * SECOND)), None, "one in flight per lease");
}

#[test]
fn what_would_be_lost_first_is_renewed_first() {
    let now = BootTime::now();
    let mut renewals = Renewals::default();
    for id in 0..100 {
        renewals.add(lease(id, 60, now));
    }
    renewals.add(lease(1000, 40, now));
    assert_eq!(renewals.next_to_send(now.plus(30 * SECOND)), Some(1000));
}

#[test]
fn a_lease_the_server_does_not_know_is_lost_at_once() {
    let now = BootTime::now();
    let mut renewals = Renewals::default();
    let lost = lease(1, 30, now);
    renewals.add(lost.clone());
    renewals.next_to_send(now.plus(12 * SECOND));
    assert_eq!(renewals.answered(1, 0, now.plus(12 * SECOND)), Answer::Gone);
    assert!(!lost.is_held() && renewals.is_empty());
    assert_eq!(renewals.answered(1, 30, now.plus(13 * SECOND)), Answer::Stray);
}

#[test]
fn a_lease_without_confirmation_expires_in_time() {
    let now = BootTime::now();
    let mut renewals = Renewals::default();
    let lease = lease(1, 10, now);
    renewals.add(lease.clone());
    assert_eq!(renewals.next_expiry(), Some(lease.held_until()));
    assert!(renewals.expired(lease.held_until().minus(Duration::from_nanos(1))).is_empty());
    assert_eq!(renewals.expired(lease.held_until()).len(), 1);
    assert!(renewals.is_empty() && renewals.wake_at().is_none());
}

#[test]
fn silence_is_no_answer_at_all_not_a_long_queue() {
    let start = BootTime::now();
    let mut renewals = Renewals::default();
    for id in 0..10 {
        renewals.add(lease(id, 12, start));
    }
    let now = start.plus(5 * SECOND);
    while renewals.next_to_send(now).is_some() {}
    assert!(!renewals.is_silent(now.plus(SECOND)));
    // An answer every second: slow, but not silent.
    for id in 0..3 {
        let then = now.plus(SECOND * (id as u32 + 1));
        assert!(!renewals.is_silent(then));
        renewals.answered(id, 12, then);
    }
    assert!(renewals.is_silent(now.plus(5 * SECOND)));
}

#[test]
fn patience_grows_with_streams_that_bring_no_answer() {
    let start = BootTime::now();
    let mut renewals = Renewals::default();
    renewals.add(lease(1, 2, start));
    let now = start.plus(SECOND);
    let silent_after = |renewals: &mut Renewals| {
        renewals.next_to_send(now);
        let at = renewals.silent_at().expect("in flight");
        renewals.stream_ended(false, now);
        at.until(now)
    };
    let first = silent_after(&mut renewals);
    assert_eq!(silent_after(&mut renewals), first * 2);
    assert_eq!(silent_after(&mut renewals), first * 4);
    renewals.next_to_send(now);
    renewals.answered(1, 2, now);
    assert_eq!(renewals.fruitless, 0);
}

#[test]
fn a_lease_that_ends_the_stream_twice_is_renewed_alone() {
    let start = BootTime::now();
    let mut renewals = Renewals::default();
    // The shorter one is always the first to be renewed, and so the one the server was working on.
    renewals.add(lease(1, 20, start));
    renewals.add(lease(2, 60, start));
    let now = start.plus(Duration::from_secs(15));
    assert_eq!(renewals.next_to_send(now), Some(1));
    assert!(renewals.stream_ended(true, now).is_none(), "once may be chance");
    assert_eq!(renewals.next_to_send(now), Some(1), "in flight when the stream ended, so due at once");
    assert!(renewals.stream_ended(false, now).is_none(), "a broken connection is nobody's fault");
    assert_eq!(renewals.next_to_send(now), Some(1));
    assert_eq!(renewals.stream_ended(true, now).map(|lease| lease.id()), Some(1));
    assert_eq!(renewals.len(), 1);
}

proptest! {
    /// Whatever happens in whatever order: the window holds, no lease is forgotten, none is in two states.
    #[test]
    fn nothing_is_forgotten(steps in proptest::collection::vec((0u8..6, 0i64..60, 0u64..4000), 1..300)) {
        let start = BootTime::now();
        let mut now = start;
        let mut renewals = Renewals::default();
        for (what, id, millis) in steps {
            now = now.plus(Duration::from_millis(millis / 20));
            match what {
                0 | 1 if !renewals.entries.contains_key(&id) => {
                    renewals.add(Lease::new(id, Ttl(5 + id as u32), now));
                }
                2 => while renewals.next_to_send(now).is_some() {},
                3 => { renewals.answered(id, millis as i64 % 40, now); }
                4 => { renewals.stream_ended(millis % 2 == 0, now); }
                5 => { renewals.remove(id); }
                _ => {}
            }
            for lease in renewals.expired(now) {
                lease.lose("test");
            }
            prop_assert!(renewals.in_flight.len() <= WINDOW);
            prop_assert_eq!(renewals.due.len() + renewals.in_flight.len(), renewals.entries.len());
            prop_assert_eq!(renewals.expiring.len(), renewals.entries.len());
            prop_assert_eq!(renewals.wake_at().is_none(), renewals.is_empty());
        }
    }
}
