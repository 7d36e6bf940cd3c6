use super::*;

#[tokio::test(start_paused = true)]
async fn a_deadline_is_absolute() {
    let deadline = Deadline::after(Duration::from_secs(2));
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(deadline.remaining(), Some(Duration::from_secs(1)));
    assert!(!deadline.has_passed());
    assert_eq!(deadline.limit(std::future::pending::<()>()).await, Err(Elapsed));
    assert!(deadline.has_passed());
}

#[tokio::test(start_paused = true)]
async fn never_stays_never_and_the_earlier_one_counts() {
    let soon = Deadline::after(Duration::from_millis(5));
    let late = Deadline::after(Duration::from_secs(5));
    assert_eq!(Deadline::NEVER.min(soon), soon);
    assert_eq!(late.min(soon), soon);
    assert_eq!(Deadline::NEVER.remaining(), None);
    assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
}

#[test]
fn boot_time_runs_forward_and_saturates() {
    let earlier = BootTime::now();
    assert!(earlier > BootTime::ZERO && BootTime::now() >= earlier);
    assert_eq!(BootTime::from_nanos(5).minus(Duration::from_secs(1)), BootTime::ZERO);
    assert_eq!(earlier.plus(Duration::MAX).as_nanos(), u64::MAX);
    assert_eq!(earlier.until(earlier.plus(Duration::from_secs(1))), Duration::ZERO);
}

#[tokio::test]
async fn sleeping_until_a_past_moment_ends_at_once() {
    sleep_until(BootTime::ZERO).await;
    let soon = BootTime::now().plus(Duration::from_millis(20));
    sleep_until(soon).await;
    assert!(BootTime::now() >= soon);
}

#[tokio::test(start_paused = true)]
async fn pauses_double_up_to_the_longest_and_begin_again() {
    let (shortest, longest) = (Duration::from_millis(100), Duration::from_millis(350));
    let mut backoff = Backoff::new(shortest, longest);
    for expected in [shortest, shortest * 2, longest, longest] {
        let began = Instant::now();
        backoff.pause().await;
        let paused = began.elapsed();
        assert!(paused >= expected.mul_f64(0.89) && paused <= expected.mul_f64(1.12), "{paused:?}");
    }
    backoff.reset();
    assert_eq!(backoff.next, shortest);
}
