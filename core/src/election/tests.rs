use super::*;
use crate::error::ErrorKind;

#[test]
fn an_identity_is_any_text_that_is_not_blank_and_has_no_nul() {
    for good in ["a", " a ", "10.0.0.7:8080", "line\nline", "\u{1}\u{7f}\u{fffd}", "ä€𝄞", "/", "\u{200b}"] {
        assert!(check_identity("op", good).is_ok(), "{good:?}");
    }
    assert!(check_identity("op", &"x".repeat(LONGEST_IDENTITY)).is_ok());
    let too_long = "x".repeat(LONGEST_IDENTITY + 1);
    for bad in ["", " ", "\t\n", "\u{2003}", "a\0b", "\0", &too_long] {
        let error = check_identity("op", bad).expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("identity: "), "{error}");
    }
}
