use super::Version;

#[test]
fn the_lease_fixes_are_known_per_release_line() {
    for (fixed, text) in [
        (false, "3.4.37"),
        (true, "3.4.38"),
        (false, "3.5.22"),
        (true, "3.5.23"),
        (false, "3.6.4"),
        (true, "3.6.5"),
        (true, "v3.7.0-rc.1"),
        (true, "4.0.0"),
        (false, "3.3.99"),
    ] {
        let version: Version = text.parse().expect(text);
        assert_eq!(version.has_lease_fixes(), fixed, "{text}");
    }
}

#[test]
fn what_is_no_version_is_refused() {
    for text in ["", "3", "3.5", "three", "3.5.x"] {
        assert!(text.parse::<Version>().is_err(), "{text}");
    }
}
