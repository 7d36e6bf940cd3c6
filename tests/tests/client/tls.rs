//! TLS against a real server: who is trusted, who we are, and what is said when either does not fit.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gocore_etcd_core::{ClientConfig, ErrorKind, TlsConfig};
use gocore_etcd_tests::tls::ELSEWHERE;
use gocore_etcd_tests::{Agent, Pki, Server, ServerOptions};

use crate::story::{SOON, connected, refused_as};

const TTL: Duration = Duration::from_secs(10);
/// Far beyond what a refusal takes: a certificate does not become valid by waiting.
const DIAL: Duration = Duration::from_secs(20);
const AT_ONCE: Duration = Duration::from_secs(8);

fn config(server: &Server, tls: TlsConfig) -> ClientConfig {
    ClientConfig::new([server.endpoint()]).tls(tls).dial_timeout(DIAL)
}

fn trusting(pki: &Pki) -> TlsConfig {
    TlsConfig::new().ca(pki.ca.cert.as_bytes())
}

/// Refused as Unavailable, soon, in words that say that it is the handshake and why.
async fn refused(server: &Server, tls: TlsConfig, why: &str) {
    let words = ["TLS handshake", why];
    let refusal = refused_as(ErrorKind::Unavailable, config(server, tls), &words);
    let error = tokio::time::timeout(AT_ONCE, refusal).await.expect("hopeless, so said at once");
    assert!(!error.is_retryable(), "{error}");
}

#[tokio::test]
async fn a_trusted_server_is_connected_to_by_bytes_and_by_files() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().tls(&pki)).await;
    for tls in [trusting(&pki), TlsConfig::new().ca(pki.ca.cert_file.as_path())] {
        let client = connected(config(&server, tls)).await;
        client.kv().put("/k", "v").await.expect("put");
        client.close().await.expect("close");
    }
    let bare = ClientConfig::new([server.address().to_string()]).tls(trusting(&pki));
    connected(bare).await.kv().get("/k").await.expect("an address without a scheme is https when TLS is set");
}

#[tokio::test]
async fn an_unknown_authority_is_unavailable_and_said_to_be_the_handshake() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().tls(&pki)).await;
    refused(&server, TlsConfig::new().ca(pki.foreign_ca.cert.as_bytes()), "UnknownIssuer").await;
    // The system's roots do not know it either.
    refused(&server, TlsConfig::new(), "UnknownIssuer").await;
}

#[tokio::test]
async fn without_an_authority_in_the_configuration_the_systems_roots_are_trusted() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().tls(&pki)).await;
    let agent = |roots: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
        command.args(["/go-core", &server.endpoint()]).env_remove("SSL_CERT_DIR").env("SSL_CERT_FILE", roots);
        Agent::spawn_command(command)
    };
    agent(&pki.ca.cert_file).expect("connected", SOON).await;
    let refused = agent(&pki.foreign_ca.cert_file).expect("failed", SOON).await;
    assert!(refused.body["message"].as_str().is_some_and(|why| why.contains("UnknownIssuer")), "{}", refused.body);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_unavailable_unless_that_name_was_asked_for() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().tls_elsewhere(&pki)).await;
    refused(&server, trusting(&pki), "not valid for name").await;
    refused(&server, trusting(&pki).server_name("etcd.nowhere"), "not valid for name").await;
    let client = connected(config(&server, trusting(&pki).server_name(ELSEWHERE))).await;
    client.kv().put("/k", "v").await.expect("put");
}

#[tokio::test]
async fn mutual_tls_works_with_our_certificate_and_a_lock_is_held_over_it() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().mutual_tls(&pki)).await;
    let bytes = trusting(&pki).cert(pki.client.cert.as_bytes()).key(pki.client.key.as_bytes());
    let files = TlsConfig::new()
        .ca(pki.ca.cert_file.as_path())
        .cert(pki.client.cert_file.as_path())
        .key(pki.client.key_file.as_path());
    let (a, b) = (connected(config(&server, bytes)).await, connected(config(&server, files)).await);
    let lock = a.lock("k", TTL).await.expect("lock");
    assert!(b.try_lock("k", TTL).await.expect("try_lock").is_none());
    let waiter = tokio::spawn(async move { b.lock("k", TTL).await });
    lock.put("/data", "v").await.expect("guarded put");
    lock.unlock().await.expect("unlock");
    let next = waiter.await.expect("no panic").expect("its turn");
    assert!(next.is_held() && next.token() > lock.token());
    a.close().await.expect("close");
}

#[tokio::test]
async fn without_the_certificate_that_is_wanted_it_is_unavailable_and_said_to_be_the_handshake() {
    let pki = Pki::new();
    let server = Server::start(ServerOptions::new().mutual_tls(&pki)).await;
    let foreign = &pki.foreign_client;
    let foreign = trusting(&pki).cert(foreign.cert.as_bytes()).key(foreign.key.as_bytes());
    for tls in [trusting(&pki), foreign] {
        // "certificate required", "unknown CA": in the words of rustls.
        refused(&server, tls, "fatal alert: ").await;
    }
}
