use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
struct Sample {
    struct_size: usize,
    first: i64,
    later: i64,
}

// SAFETY: numbers alone, beginning with the size.
unsafe impl Input for Sample {
    const FIRST_SIZE: usize = 16;
}

fn read(words: &[usize]) -> Result<Option<Sample>> {
    input("test", "sample", words.as_ptr().cast::<Sample>())
}

#[test]
fn a_struct_of_an_older_program_is_filled_up_with_defaults() {
    assert_eq!(read(&[16, 7]).expect("valid"), Some(Sample { struct_size: 16, first: 7, later: 0 }));
    assert_eq!(input::<Sample>("test", "sample", std::ptr::null()).expect("absent"), None);
}

#[test]
fn a_struct_of_a_newer_program_is_taken_when_it_asks_for_nothing_we_do_not_know() {
    let known = Sample { struct_size: 40, first: 7, later: 8 };
    assert_eq!(read(&[40, 7, 8, 0, 0]).expect("valid"), Some(known));
    let error = read(&[40, 7, 8, 0, 1]).expect_err("unknown");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn a_struct_that_was_never_initialised_is_refused() {
    for size in [0, 8, 15, LARGEST_STRUCT + 1, usize::MAX] {
        let error = read(&[size, 7, 8]).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("sample: struct_size"), "{error}");
    }
}

#[test]
fn time_limits_have_a_default_none_and_a_range() {
    assert_eq!(limit("test", 0).expect("default"), Limit::Default);
    assert_eq!(limit("test", -1).expect("none"), Limit::Never);
    assert_eq!(limit("test", 5).expect("5 ms"), Limit::After(Duration::from_millis(5)));
    for wrong in [-2, i64::MIN, i64::MAX, LONGEST_MS + 1] {
        assert!(limit("test", wrong).expect_err("refused").to_string().contains("timeout_ms"));
    }
}

#[test]
fn lengths_without_pointers_are_refused_and_nothing_is_nothing() {
    assert_eq!(bytes("test", "key", std::ptr::null(), 0).expect("empty"), b"");
    assert!(bytes("test", "key", std::ptr::null(), 1).expect_err("refused").to_string().contains("key: is NULL"));
    let byte = [1u8];
    assert!(bytes("test", "key", byte.as_ptr().cast(), usize::MAX).is_err());
}
