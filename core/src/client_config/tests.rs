//! Everything wrong is said at once and named; no secret is ever shown.

use std::time::Duration;

use super::{Address, ClientConfig, TlsConfig};
use crate::error::ErrorKind;

fn ok() -> ClientConfig {
    ClientConfig::new(["127.0.0.1:2379"])
}

#[track_caller]
fn refused(config: &ClientConfig) -> String {
    let error = config.validate().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    error.to_string()
}

#[test]
fn endpoints_are_read_as_written() {
    let table = [
        ("localhost:2379", false, "http://localhost:2379"),
        ("localhost:2379", true, "https://localhost:2379"),
        ("http://Etcd-1.example:1", true, "http://etcd-1.example:1"),
        ("HTTPS://10.0.0.1:65535", false, "https://10.0.0.1:65535"),
        ("[::1]:2379", false, "http://[::1]:2379"),
        ("https://[2001:DB8::1]:2379", false, "https://[2001:db8::1]:2379"),
        ("my_etcd:2379", false, "http://my_etcd:2379"),
    ];
    for (text, tls, shown) in table {
        assert_eq!(Address::parse(text, tls).unwrap().to_string(), shown, "{text}");
    }
}

#[test]
fn what_is_no_endpoint_is_refused() {
    let table = [
        ("", "port is missing"),
        ("localhost", "port is missing"),
        ("localhost:", "port is missing"),
        (":2379", "host is missing"),
        ("localhost:0", "1 to 65535"),
        ("localhost:65536", "1 to 65535"),
        ("localhost:+80", "1 to 65535"),
        ("localhost:http", "1 to 65535"),
        ("ftp://localhost:1", "http or https"),
        ("unix:///tmp/etcd.sock", "http or https"),
        ("http://localhost:1/", "path"),
        ("http://localhost:1?x=1", "path"),
        ("localhost:1#x", "path"),
        ("http://user:hush@localhost:1", "user"),
        ("::1:2379", "brackets"),
        ("[::1:2379", "bracket"),
        ("[::g]:2379", "IPv6"),
        ("a b:1", "letters"),
        (" localhost:1", "letters"),
        ("a,b:1", "letters"),
    ];
    for (text, why) in table {
        let said = Address::parse(text, false).unwrap_err();
        assert!(said.contains(why), "{text:?}: {said}");
    }
    assert!(Address::parse(&format!("{}:1", "a".repeat(254)), false).is_err());
}

#[test]
fn the_defaults_are_valid_and_documented() {
    let config = ok();
    config.validate().unwrap();
    assert_eq!(config.prefix, "/go-core");
    assert_eq!(config.dial_timeout, Duration::from_secs(5));
    assert_eq!(config.request_timeout, Duration::from_secs(8));
    assert_eq!(config.auto_sync_interval, None);
    assert_eq!((config.ping_interval, config.ping_timeout), (Duration::from_secs(10), Duration::from_secs(3)));
}

#[test]
fn zero_means_the_default() {
    let zero = Duration::ZERO;
    let config = ok().dial_timeout(zero).request_timeout(zero).keep_alive(zero, zero).auto_sync_interval(Some(zero));
    assert_eq!(format!("{config:?}"), format!("{:?}", ok()));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let config = ClientConfig::new(["nowhere", "localhost:1"])
        .prefix(format!("/{}\0", "x".repeat(1024)))
        .user("", "hush")
        .dial_timeout(Duration::from_secs(100_000))
        .request_timeout(Duration::MAX)
        .auto_sync_interval(Some(Duration::MAX))
        .keep_alive(Duration::from_secs(4), Duration::MAX);
    let said = refused(&config);
    let fields = [
        "endpoints[0] \"nowhere\"",
        "prefix: must not contain NUL",
        "prefix: is 1026 bytes",
        "user:",
        "dial_timeout:",
        "request_timeout:",
        "auto_sync_interval:",
        "keep_alive.interval:",
        "keep_alive.timeout:",
    ];
    for field in fields {
        assert!(said.contains(field), "{field} is not named in: {said}");
    }
    assert!(refused(&ClientConfig::new(Vec::<String>::new())).contains("endpoints: must not be empty"));
}

#[test]
fn what_is_too_short_is_refused_and_the_shortest_is_not() {
    let (least, less) = (Duration::from_millis(100), Duration::from_micros(99_999));
    let secs = Duration::from_secs;
    ok().auto_sync_interval(Some(least)).keep_alive(secs(5), least).validate().unwrap();
    assert!(refused(&ok().auto_sync_interval(Some(less))).contains("auto_sync_interval: 99.999ms is less than 100ms"));
    assert!(refused(&ok().keep_alive(secs(5), less)).contains("keep_alive.timeout: 99.999ms is less than 100ms"));
    assert!(refused(&ok().keep_alive(secs(5) - less, least)).contains("keep_alive.interval:"));
}

#[test]
fn schemes_are_not_mixed() {
    assert!(refused(&ClientConfig::new(["http://a:1", "https://b:1"])).contains("must not be mixed"));
}

#[test]
fn an_endpoint_given_twice_counts_once() {
    let resolved = ClientConfig::new(["a:1", "http://A:1", "b:1"]).resolve().unwrap();
    assert_eq!(resolved.addresses.len(), 2);
}

#[test]
fn no_secret_is_shown() {
    let tls = TlsConfig::new().key(b"hush".to_vec());
    let config = ClientConfig::new(["http://app:hush@a:1"]).user("app", "hush").tls(tls);
    assert!(!format!("{config:?}").contains("hush"));
    assert!(!refused(&config).contains("hush"));
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so() {
    for config in [ClientConfig::new(["https://a:1"]), ok().tls(TlsConfig::new())] {
        assert_eq!(config.validate().unwrap_err().kind(), ErrorKind::Unsupported);
    }
}

#[cfg(feature = "tls")]
mod with_tls {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::super::{ClientConfig, TlsConfig};
    use super::refused;

    fn pair() -> (Vec<u8>, Vec<u8>) {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_string()]).unwrap();
        (cert.pem().into_bytes(), signing_key.serialize_pem().into_bytes())
    }

    fn with(tls: TlsConfig) -> ClientConfig {
        ClientConfig::new(["127.0.0.1:2379"]).tls(tls)
    }

    #[test]
    fn good_material_is_accepted() {
        let (cert, key) = pair();
        let tls = TlsConfig::new().ca(cert.clone()).cert(cert).key(key).server_name("etcd.example");
        let resolved = with(tls).resolve().unwrap();
        assert!(resolved.tls.is_some() && resolved.addresses[0].is_tls());
    }

    #[test]
    fn files_are_read_and_missing_ones_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ca.pem");
        assert!(refused(&with(TlsConfig::new().ca(path.as_path()))).contains("ca.pem"));
        std::fs::write(&path, pair().0).unwrap();
        with(TlsConfig::new().ca(path)).validate().unwrap();
    }

    #[test]
    fn garbage_is_refused_by_name() {
        let (cert, key) = pair();
        let der = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".as_bytes().to_vec();
        let table = [
            (TlsConfig::new().ca(b"garbage".to_vec()), "tls.ca: contains no certificate"),
            (TlsConfig::new().ca(der), "tls.ca: contains a certificate that cannot be read"),
            (TlsConfig::new().cert(cert.clone()), "tls.key: is missing"),
            (TlsConfig::new().key(key.clone()), "tls.cert: is missing"),
            (TlsConfig::new().cert(cert.clone()).key(b"hush".to_vec()), "tls.key: contains no private key"),
            (TlsConfig::new().cert(b"x".to_vec()).key(key), "tls.cert: contains no certificate"),
            (TlsConfig::new().ca(cert.clone()).cert(cert).key(pair().1), "tls: "),
            (TlsConfig::new().server_name("a b"), "tls.server_name:"),
        ];
        for (tls, why) in table {
            let said = refused(&with(tls));
            assert!(said.contains(why), "{why} is not in: {said}");
        }
    }

    #[test]
    fn tls_with_a_plain_endpoint_is_refused() {
        let config = ClientConfig::new(["http://a:1"]).tls(TlsConfig::new().ca(pair().0));
        assert!(refused(&config).contains("http:// endpoint"));
    }
}
