use super::*;

#[test]
fn the_status_numbers_and_their_words_are_those_of_the_core() {
    for kind in ErrorKind::ALL {
        assert_eq!(Status::from(kind) as i32, kind as i32, "{kind:?}");
        assert_eq!(words(kind as i32).to_str(), Ok(kind.as_str()), "{kind:?}");
    }
    assert_eq!(words(ErrorKind::ALL.len() as i32 + 1), c"unknown status");
    assert_eq!(words(-1), c"unknown status");
}
