use super::*;
use crate::error::Error;

const WAITING: CandidacyState = CandidacyState::Waiting { place: None };

fn refused() -> Error {
    failed(ErrorKind::PermissionDenied, "election.candidacy", "not this user")
}

/// What one who looks now is told, until there is nothing new.
fn told(told: &mut Told, seen: &Seen) -> Vec<std::result::Result<CandidacyState, ErrorKind>> {
    std::iter::from_fn(|| told.next(&seen.tale)).map(|news| news.map_err(|error| error.kind())).collect()
}

#[test]
fn a_problem_is_told_once_whatever_came_after_it() {
    for after in [WAITING, CandidacyState::Lost, CandidacyState::Leading { token: 7 }, CandidacyState::Resigned] {
        let (mut seen, mut consumer) = (Seen::new(), Told::default());
        seen.take(Err(refused()), None);
        seen.take(Ok(after), None);
        assert_eq!(told(&mut consumer, &seen), [Err(ErrorKind::PermissionDenied), Ok(after)]);
        assert_eq!(told(&mut consumer, &seen), []);
    }
}

#[test]
fn of_several_problems_a_slow_one_is_told_the_last() {
    let (mut seen, mut consumer) = (Seen::new(), Told::default());
    assert_eq!(told(&mut consumer, &seen), [Ok(WAITING)]);
    seen.take(Err(refused()), None);
    seen.take(Err(failed(ErrorKind::ResourceExhausted, "election.candidacy", "full")), None);
    assert_eq!(told(&mut consumer, &seen), [Err(ErrorKind::ResourceExhausted)]);
    seen.take(Err(refused()), None);
    assert_eq!(told(&mut consumer, &seen), [Err(ErrorKind::PermissionDenied)]);
}

#[test]
fn between_two_leaderships_there_is_always_one_without() {
    let (mut seen, mut consumer) = (Seen::new(), Told::default());
    let (first, second) = (CandidacyState::Leading { token: 7 }, CandidacyState::Leading { token: 9 });
    seen.take(Ok(first), None);
    assert_eq!(told(&mut consumer, &seen), [Ok(first)]);
    seen.take(Ok(CandidacyState::Lost), None);
    seen.take(Ok(second), None);
    assert_eq!(told(&mut consumer, &seen), [Ok(CandidacyState::Lost), Ok(second)]);
}

#[test]
fn after_resigned_nothing_is_told_of_the_past() {
    let (mut seen, mut consumer) = (Seen::new(), Told::default());
    seen.tale.state = CandidacyState::Resigned;
    seen.take(Ok(CandidacyState::Leading { token: 7 }), None);
    seen.take(Err(refused()), None);
    assert_eq!(told(&mut consumer, &seen), [Ok(CandidacyState::Resigned)]);
    assert!(consumer.is_all());
    seen.take(Err(refused()), None);
    assert_eq!(told(&mut consumer, &seen), []);
}
