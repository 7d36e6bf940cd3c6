//! A configuration says everything that is wrong with it, by the names of its fields, before anything is sent.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, ErrorKind, TlsConfig};
use gocore_etcd_tests::Pki;

const SECRET: &str = "pa55-w0rd";

fn valid() -> ClientConfig {
    ClientConfig::new(["127.0.0.1:1"])
}

/// Both validating and connecting refuse it, with all of these words.
async fn refused(config: ClientConfig, words: &[&str]) {
    let validated = config.validate().expect_err("must be refused");
    let connected = Client::connect(config.clone()).await.expect_err("must be refused");
    for error in [validated, connected] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        assert!(!error.is_retryable() && !error.maybe_applied());
        let text = format!("{error} {error:?} {config:?}");
        assert!(!text.contains(SECRET), "the password is shown: {text}");
        for word in words {
            assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
        }
    }
}

#[test]
fn the_defaults_are_valid_and_zero_means_the_default() {
    valid().validate().expect("the defaults");
    let zero = Duration::ZERO;
    let config = valid().dial_timeout(zero).request_timeout(zero).keep_alive(zero, zero);
    assert_eq!(format!("{:?}", config.auto_sync_interval(Some(zero))), format!("{:?}", valid()));
}

#[tokio::test]
async fn each_bad_field_is_named() {
    let none: [&str; 0] = [];
    refused(ClientConfig::new(none), &["endpoints"]).await;
    for bad in ["", "host", "host:", "host:0", "host:65536", ":2379", "ftp://host:1", "http://host:1/path", "::1:2379"]
    {
        refused(ClientConfig::new(["127.0.0.1:1", bad]), &["endpoints[1]"]).await;
    }
    refused(valid().prefix("a\0b"), &["prefix"]).await;
    refused(valid().prefix("x".repeat(1025)), &["prefix"]).await;
    refused(valid().user("", SECRET), &["user"]).await;
    let long = Duration::MAX;
    refused(valid().dial_timeout(long), &["dial_timeout"]).await;
    refused(valid().request_timeout(long), &["request_timeout"]).await;
    refused(valid().auto_sync_interval(Some(long)), &["auto_sync_interval"]).await;
    refused(valid().keep_alive(Duration::from_secs(1), Duration::ZERO), &["keep_alive.interval"]).await;
    refused(valid().keep_alive(Duration::ZERO, long), &["keep_alive.timeout"]).await;
    let short = Duration::from_millis(99);
    refused(valid().auto_sync_interval(Some(short)), &["auto_sync_interval"]).await;
    refused(valid().keep_alive(Duration::ZERO, short), &["keep_alive.timeout"]).await;
}

#[tokio::test]
async fn what_is_wrong_with_tls_is_said_before_anything_is_sent_and_keys_are_never_shown() {
    let pki = Pki::new();
    let (ca, cert, key) = (pki.ca.cert.as_bytes(), pki.client.cert.as_bytes(), pki.client.key.as_bytes());
    refused(valid().tls(TlsConfig::new().ca(&b"garbage"[..])), &["ca"]).await;
    refused(valid().tls(TlsConfig::new().ca(std::path::Path::new("/nowhere/ca.pem"))), &["ca", "/nowhere/ca.pem"])
        .await;
    refused(valid().tls(TlsConfig::new().ca(ca).cert(cert)), &["key"]).await;
    refused(valid().tls(TlsConfig::new().ca(ca).key(key)), &["cert"]).await;
    refused(valid().tls(TlsConfig::new().ca(ca).cert(key).key(cert)), &["cert", "key"]).await;
    refused(valid().tls(TlsConfig::new().ca(ca).server_name("not a name")), &["server_name"]).await;
    // Each is fine by itself, but they do not belong together.
    let foreign = pki.foreign_client.key.as_bytes();
    refused(valid().tls(TlsConfig::new().ca(ca).cert(cert).key(foreign)), &["tls"]).await;
    let shown = format!("{:?}", valid().tls(TlsConfig::new().ca(ca).cert(cert).key(key)));
    let secret = pki.client.key.lines().nth(1).expect("a line of the key");
    assert!(!shown.contains(secret), "{shown}");
}

#[tokio::test]
async fn http_and_https_are_never_mixed() {
    refused(ClientConfig::new(["http://127.0.0.1:1", "https://127.0.0.1:2"]), &["endpoints", "mixed"]).await;
    refused(ClientConfig::new(["http://127.0.0.1:1"]).tls(TlsConfig::new()), &["endpoints", "TLS"]).await;
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once() {
    let config = ClientConfig::new(["ftp://host:1", "host"])
        .prefix("\0")
        .user("", SECRET)
        .tls(TlsConfig::new().ca(&b"garbage"[..]))
        .dial_timeout(Duration::MAX)
        .keep_alive(Duration::from_millis(1), Duration::MAX);
    let words = [
        "endpoints[0]",
        "endpoints[1]",
        "prefix",
        "user",
        "ca",
        "dial_timeout",
        "keep_alive.interval",
        "keep_alive.timeout",
    ];
    refused(config, &words).await;
}

#[tokio::test]
async fn a_password_is_never_shown_wherever_it_was_put() {
    let config = valid().user("worker", SECRET);
    assert!(!format!("{config:?} {config:#?}").contains(SECRET));
    let inside = format!("http://worker:{SECRET}@127.0.0.1:1");
    refused(ClientConfig::new([inside]), &["endpoints[0]", "user"]).await;
}
