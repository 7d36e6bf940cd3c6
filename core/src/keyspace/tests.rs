use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;

#[test]
fn prefixes_are_read_as_in_go() {
    for (given, used) in [("", "/go-core"), ("/", "/go-core"), ("/apps/x//", "/apps/x"), ("apps", "apps")] {
        assert_eq!(Keyspace::new(given).prefix(), used, "{given:?}");
    }
}

#[test]
fn keys_are_built_as_in_go() {
    let keys = Keyspace::new("/p/");
    assert_eq!(keys.key(["locks", "/jobs/cleanup/"]), "/p/locks/jobs/cleanup");
    assert_eq!(keys.key(["", "/", "a"]), "/p/a");
    assert_eq!(keys.lock("/jobs//1/"), "/p/locks/jobs//1");
    assert_eq!(keys.session(0x1a2b), "/p/.gocore/sessions/1a2b");
}

#[test]
fn bad_names_are_refused_by_argument_name() {
    let long = "x".repeat(LONGEST_NAME + 1);
    for bad in ["", "/", "///", "  ", " / ", "a\0b", &long] {
        let error = name("lock.acquire", "key", bad).expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains("key: "), "{error}");
    }
    assert_eq!(name("lock.acquire", "key", "/jobs/1/").ok(), Some("jobs/1"));
}

#[test]
fn a_contender_is_exactly_one_segment() {
    let prefix = b"/p/locks/jobs/";
    assert_eq!(only_segment(prefix, b"/p/locks/jobs/1a"), Some(&b"1a"[..]));
    assert_eq!(only_segment(prefix, b"/p/locks/jobs/\xff\0"), Some(&b"\xff\0"[..]));
    for other in [&b"/p/locks/jobs/"[..], b"/p/locks/jobs/1/1a", b"/p/locks/jobs/1/", b"/p/locks/job", b""] {
        assert_eq!(only_segment(prefix, other), None, "{other:?}");
    }
}

proptest! {
    #[test]
    fn the_range_of_a_prefix_holds_exactly_its_keys(prefix in proptest::collection::vec(any::<u8>(), 1..6),
                                                    key in proptest::collection::vec(any::<u8>(), 0..8)) {
        let end = prefix_end(&prefix);
        let in_range = key >= prefix && (end == [0] || key < end);
        prop_assert_eq!(in_range, key.starts_with(&prefix));
    }

    #[test]
    fn no_name_can_leave_its_prefix(given in "\\PC{0,40}") {
        if let Ok(name) = name("lock.acquire", "key", &given) {
            let key = Keyspace::new("/p").lock(name);
            prop_assert!(key.starts_with("/p/locks/") && !key.ends_with('/') && key.len() > "/p/locks/".len());
        }
    }
}
