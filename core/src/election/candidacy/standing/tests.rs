use super::*;
use crate::election::told::Told;
use crate::error::Result;

fn leading(token: i64) -> Standing {
    let mut standing = Standing::new();
    standing.tale.state = CandidacyState::Leading { token };
    standing
}

fn next(told: &mut Told, standing: &Standing) -> Option<Result<CandidacyState>> {
    told.next(standing.tale())
}

fn told(told: &mut Told, standing: &Standing) -> Option<CandidacyState> {
    next(told, standing).map(|news| news.expect("a state"))
}

fn failure(kind: ErrorKind) -> Error {
    Error::new(kind, "op")
}

#[test]
fn the_present_state_is_told_first_and_then_changes_alone() {
    let mut consumer = Told::default();
    let mut standing = Standing::new();
    assert_eq!(told(&mut consumer, &standing), Some(CandidacyState::Waiting { place: None }));
    assert_eq!(told(&mut consumer, &standing), None);
    standing.queued(2);
    assert_eq!(told(&mut consumer, &standing), Some(CandidacyState::Waiting { place: Some(2) }));
    standing.queued(2);
    assert_eq!(told(&mut consumer, &standing), None);
    assert!(!consumer.is_all());
    standing.resigned();
    assert_eq!(told(&mut consumer, &standing), Some(CandidacyState::Resigned));
    assert!(consumer.is_all());
}

#[test]
fn between_two_leaderships_there_is_always_one_without_however_slow_the_consumer() {
    let mut consumer = Told::default();
    assert_eq!(told(&mut consumer, &leading(5)), Some(CandidacyState::Leading { token: 5 }));
    assert_eq!(told(&mut consumer, &leading(9)), Some(CandidacyState::Lost));
    assert_eq!(told(&mut consumer, &leading(9)), Some(CandidacyState::Leading { token: 9 }));
    assert_eq!(told(&mut consumer, &leading(9)), None);
}

#[test]
fn a_place_that_is_lost_is_told_and_one_that_never_was_is_not() {
    let mut standing = Standing::new();
    standing.failed(failure(ErrorKind::Unavailable));
    assert_eq!(standing.state(), CandidacyState::Waiting { place: None });
    standing.queued(3);
    standing.failed(failure(ErrorKind::Unavailable));
    assert_eq!(standing.state(), CandidacyState::Lost);
    let mut standing = Standing::new();
    standing.failed(failure(ErrorKind::Lost));
    assert_eq!(standing.state(), CandidacyState::Lost, "before it was counted");
    assert!(told(&mut Told::default(), &standing).is_some(), "and that is no failure to tell");
}

#[test]
fn a_failure_that_does_not_pass_is_told_once_until_it_is_another() {
    let mut consumer = Told::default();
    let mut standing = Standing::new();
    standing.failed(failure(ErrorKind::PermissionDenied));
    standing.failed(failure(ErrorKind::PermissionDenied));
    let error = next(&mut consumer, &standing).expect("news").expect_err("a failure");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(told(&mut consumer, &standing), Some(CandidacyState::Waiting { place: None }));
    standing.failed(failure(ErrorKind::PermissionDenied));
    assert_eq!(told(&mut consumer, &standing), None);
    standing.failed(failure(ErrorKind::ResourceExhausted));
    assert!(next(&mut consumer, &standing).expect("news").is_err());
    // In between it went well.
    standing.queued(1);
    standing.failed(failure(ErrorKind::ResourceExhausted));
    assert!(next(&mut consumer, &standing).expect("news").is_err());
    assert_eq!(told(&mut consumer, &standing), Some(CandidacyState::Lost));
}
