mod scale;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_ttl_is_whole_seconds_and_at_least_one() {
    let default = Duration::from_secs(30);
    for (given, seconds) in [
        (Duration::ZERO, 30),
        (Duration::from_nanos(1), 1),
        (Duration::from_millis(999), 1),
        (Duration::from_millis(1001), 2),
        (Duration::from_secs(10), 10),
        (Ttl::LONGEST, 366 * 24 * 3600),
    ] {
        assert_eq!(Ttl::new("lock.acquire", given, default).expect("valid").seconds(), seconds, "{given:?}");
    }
    for absurd in [Ttl::LONGEST + Duration::from_nanos(1), Duration::MAX] {
        let error = Ttl::new("lock.acquire", absurd, default).expect_err("absurd");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("ttl: "), "{error}");
    }
}

#[test]
fn what_a_server_grants_is_never_nothing_and_never_overflows() {
    for granted in [i64::MIN, -1, 0, 1, i64::MAX] {
        let ttl = Ttl::granted(granted);
        assert!(ttl.seconds() >= 1 && ttl.margin() < ttl.duration(), "{granted}");
    }
}

#[test]
fn a_lease_ends_before_the_server_can_end_it() {
    for seconds in [1, 2, 10, 30, 3600] {
        let sent = BootTime::now();
        let ttl = Ttl(seconds);
        let until = Lease::new(7, ttl, sent).held_until();
        let servers_end = sent.plus(ttl.duration());
        let margin = servers_end.until(until);
        assert!(margin >= Duration::from_millis(50) && margin <= Duration::from_millis(500), "{seconds}: {margin:?}");
    }
}

#[test]
fn a_lease_that_was_read_as_lost_stays_lost_whatever_is_confirmed_later() {
    let now = BootTime::now();
    let lease = Lease::new(7, Ttl(1), now.minus(SECOND));
    assert!(!lease.is_held());
    assert!(!lease.confirm(Ttl(10), now, now));
    assert!(!lease.is_held() && !lease.is_fresh());
}

#[test]
fn a_renewal_that_is_confirmed_too_late_does_not_revive() {
    let now = BootTime::now();
    let lease = Lease::new(7, Ttl(10), now);
    // Nobody has looked meanwhile, but its time was over.
    assert!(!lease.confirm(Ttl(10), now.plus(SECOND), now.plus(11 * SECOND)));
}

#[test]
fn a_renewal_counts_from_its_sending() {
    let now = BootTime::now();
    let lease = Lease::new(7, Ttl(10), now);
    let first = lease.held_until();
    assert!(lease.confirm(Ttl(10), now.plus(3 * SECOND), now.plus(8 * SECOND)));
    assert_eq!(lease.held_until(), first.plus(3 * SECOND));
}

#[test]
fn an_overdue_renewal_makes_suspect_before_lost() {
    let now = BootTime::now();
    let lease = Lease::new(7, Ttl(10), now.minus(6 * SECOND));
    assert!(lease.is_held() && !lease.is_fresh());
}

#[tokio::test]
async fn losing_wakes_everybody_and_keeps_the_first_reason() {
    let lease = Lease::new(7, Ttl(10), BootTime::now());
    let waiters: Vec<_> = (0..3)
        .map(|_| {
            tokio::spawn({
                let lease = lease.clone();
                async move { lease.lost().await }
            })
        })
        .collect();
    lease.lose("first");
    lease.lose("second");
    for waiter in waiters {
        waiter.await.expect("woken");
    }
    assert_eq!((lease.is_held(), lease.why_lost()), (false, Some("first")));
}
