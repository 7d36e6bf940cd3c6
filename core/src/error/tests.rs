use super::*;

#[test]
fn the_text_names_operation_kind_key_and_what_may_have_happened() {
    let error = Error::new(ErrorKind::DeadlineExceeded, "lock.acquire")
        .with_key("/go-core/locks/a")
        .with_maybe_applied(true)
        .with_source(std::io::Error::other("no answer"));
    assert_eq!(
        error.to_string(),
        "lock.acquire: deadline exceeded key=/go-core/locks/a (retryable, may have been applied): no answer"
    );
}

#[test]
fn the_numbers_are_fixed_and_without_gap() {
    for (index, kind) in ErrorKind::ALL.iter().enumerate() {
        assert_eq!(*kind as i32, index as i32 + 1, "{kind}");
    }
}

#[test]
fn a_key_of_any_bytes_stays_one_short_line() {
    let error = Error::new(ErrorKind::Malformed, "kv.get").with_key([b'\n', 0xff].repeat(1000));
    let text = error.to_string();
    assert!(text.len() < 1500 && !text.contains('\n'), "{text}");
}

#[test]
fn the_innermost_key_is_kept() {
    let error = Error::new(ErrorKind::Lost, "lock.put").with_key("inner").or_key("outer");
    assert_eq!(error.key(), Some("inner"));
}
