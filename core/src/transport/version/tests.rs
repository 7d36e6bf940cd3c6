//! Which versions deserve a warning.

use super::Version;

#[test]
fn versions_with_silent_trouble_are_known() {
    let troubled = ["3.3.27", "3.4.21", "3.4.37", "3.5.0", "3.5.2", "3.5.5", "3.5.22", "3.6.0", "3.6.4", "2.3.8"];
    for text in troubled {
        assert!(Version::parse(text).unwrap().trouble().is_some(), "{text}");
    }
    for text in ["3.4.38", "3.5.23", "3.5.30", "3.6.5", "3.7.0", "3.7.3", "3.8.0-alpha.0", "4.0.0"] {
        assert!(Version::parse(text).unwrap().trouble().is_none(), "{text}");
    }
}

#[test]
fn what_is_no_version_gives_no_warning() {
    assert_eq!(Version::parse("3.6.0-rc.2"), Some(Version(3, 6, 0)));
    for text in ["", "3", "3.5", "x.y.z", "3.5.", "3..1", "3.5.99999999999999999999", "Cluster version to be decided"] {
        assert_eq!(Version::parse(text), None, "{text}");
    }
}
