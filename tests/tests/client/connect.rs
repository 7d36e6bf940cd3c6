//! Connecting, and everything that can be wrong with it: the kind says what to fix, the text says where.

use std::net::TcpListener;
use std::time::Duration;

use gocore_etcd_core::{ClientConfig, Error, ErrorKind, Range};
use gocore_etcd_tests::{Auth, Cluster, Log, Pki, Proxy, Server, ServerOptions};

use crate::story::{as_worker, client, client_of, connected, refused, refused_as};

const TTL: Duration = Duration::from_secs(10);
const DIAL: Duration = Duration::from_secs(1);
/// What may pass on a busy machine between the end of the dial timeout and our notice of it.
const SLACK: Duration = Duration::from_secs(2);

/// Tokens that live for longer than a test.
fn auth() -> Auth {
    Auth::simple(Duration::from_secs(300))
}

async fn with_auth() -> (Server, Auth) {
    let server = Server::start(ServerOptions::new().auth(auth())).await;
    let auth = server.auth().expect("authentication is on").clone();
    (server, auth)
}

/// An address on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").to_string()
}

fn never_says(error: &Error, secret: &str) {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        assert!(!format!("{error} {error:?}").contains(secret), "the password is in: {error}");
        cause = error.source();
    }
}

#[tokio::test]
async fn a_wrong_password_or_user_is_unauthenticated_and_the_password_is_never_told() {
    let (server, auth) = with_auth().await;
    for user in [auth.user.as_str(), "nobody"] {
        let config = ClientConfig::new([server.endpoint()]).user(user, "pa55-wrong");
        assert!(!format!("{config:?}").contains("pa55-wrong"), "{config:?}");
        let error = refused_as(ErrorKind::Unauthenticated, config, &[]).await;
        never_says(&error, "pa55-wrong");
        assert!(!error.is_retryable() && !error.maybe_applied());
    }
}

#[tokio::test]
async fn nobody_where_a_user_is_needed_is_unauthenticated() {
    let (server, _) = with_auth().await;
    refused_as(ErrorKind::Unauthenticated, ClientConfig::new([server.endpoint()]), &[]).await;
}

#[tokio::test]
async fn credentials_on_a_server_without_authentication_connect_with_a_warning_and_work() {
    let server = Server::plain().await;
    let log = Log::begin("gocore_etcd_core=info");
    let client = connected(ClientConfig::new([server.endpoint()]).user("worker", "pa55")).await;
    assert_eq!(log.lines(&["WARN", "the server has no authentication"]).len(), 1);
    assert_eq!(log.lines(&["INFO", "connected"]).len(), 1);
    client.kv().put("/k", "v").await.expect("put");
    client.lock("k", TTL).await.expect("lock").unlock().await.expect("unlock");
    client.close().await.expect("close");
    assert!(!log.text().contains("pa55"));
}

#[tokio::test]
async fn rights_on_the_own_prefix_are_enough_to_connect_and_lock_and_end_there() {
    let server = Server::start(ServerOptions::new().auth(auth().prefix("/apps/billing/"))).await;
    let auth = server.auth().expect("authentication is on");
    let client = connected(as_worker([server.endpoint()], auth).prefix("/apps/billing")).await;
    let lock = client.lock("jobs/1", TTL).await.expect("lock");
    lock.put(client.key(["data"]), "v").await.expect("guarded put");
    assert!(client.try_lock("jobs/1", TTL).await.expect("try_lock").is_none());
    lock.unlock().await.expect("unlock");
    let refused = client.kv().get("/elsewhere").await.expect_err("no rights there");
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
    assert_eq!(refused.key(), Some("/elsewhere"));
    let refused = client.kv().put("/elsewhere", "v").await.expect_err("no rights there");
    assert_eq!((refused.kind(), refused.maybe_applied()), (ErrorKind::PermissionDenied, false), "{refused}");
    client.close().await.expect("close");
}

#[tokio::test]
async fn where_nobody_listens_it_is_unavailable_with_the_cause_after_the_dial_timeout() {
    let nobody = nobody();
    let (error, took) = refused(ClientConfig::new([nobody.clone()]).dial_timeout(DIAL)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let text = error.to_string();
    assert!(text.contains(&nobody) && text.contains("Connection refused"), "{text}");
    assert!(error.is_retryable() && !error.maybe_applied());
    assert!(took < DIAL + SLACK, "{took:?}");
}

#[tokio::test]
async fn an_endpoint_that_swallows_everything_fails_within_the_dial_timeout() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    proxy.black_hole();
    let (error, took) = refused(ClientConfig::new([proxy.endpoint()]).dial_timeout(DIAL)).await;
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{error}");
    assert!(took < DIAL + SLACK, "{took:?}");

    // It accepts, and says nothing.
    server.freeze();
    let (error, took) = refused(ClientConfig::new([server.endpoint()]).dial_timeout(DIAL)).await;
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{error}");
    assert!(took < DIAL + SLACK, "{took:?}");
    server.thaw();
    client_of(&server).await.kv().get("/k").await.expect("get");
}

#[tokio::test]
async fn what_is_not_etcd_is_unavailable_and_said_to_be_none() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    std::thread::spawn(move || {
        use std::io::Write;
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // Whoever it is has hung up already: nothing to be done.
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let (error, took) = refused(ClientConfig::new([address.clone()]).dial_timeout(DIAL)).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains(&address), "{error}");
    assert!(took < DIAL + SLACK, "{took:?}");
}

#[tokio::test]
async fn of_three_endpoints_one_that_lives_is_enough() {
    let server = Server::plain().await;
    let swallows = Proxy::start(server.address());
    swallows.black_hole();
    let (nobody, lives) = (nobody(), server.address().to_string());
    let three = [nobody, swallows.endpoint(), lives];
    for turn in 0..3 {
        let mut endpoints = three.clone();
        endpoints.rotate_left(turn);
        let client = client(endpoints).await;
        for n in 0..10 {
            client.kv().put(format!("/k{n}"), "v").await.expect("put");
            client.kv().get(format!("/k{n}")).await.expect("get");
        }
        client.lock("k", TTL).await.expect("lock").unlock().await.expect("unlock");
        client.close().await.expect("close");
    }
    let mut cluster = Cluster::start(3).await;
    cluster.kill(0);
    cluster.leader().await;
    client(cluster.endpoints()).await.kv().put("/k", "v").await.expect("put");
}

#[tokio::test]
async fn a_server_without_a_quorum_is_unavailable_within_the_dial_timeout() {
    let cluster = Cluster::start(3).await;
    cluster.freeze(0);
    cluster.freeze(1);
    let (error, took) = refused(ClientConfig::new(cluster.endpoints()).dial_timeout(DIAL)).await;
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{error}");
    assert!(took < DIAL + SLACK, "{took:?}");
}

#[tokio::test]
async fn a_client_that_gave_up_connecting_leaves_no_connection_behind() {
    let (server, auth) = with_auth().await;
    let proxy = Proxy::start(server.address());
    for config in
        [ClientConfig::new([proxy.endpoint()]), ClientConfig::new([proxy.endpoint()]).user(&auth.user, "wrong")]
    {
        refused_as(ErrorKind::Unauthenticated, config, &[]).await;
    }
    assert!(proxy.traffic().accepted >= 2);
    let gone = async || (proxy.traffic().open == 0).then_some(());
    gocore_etcd_tests::eventually(crate::story::SOON, "every connection is closed", gone).await;
}

#[tokio::test]
async fn https_to_a_plain_server_and_http_to_a_tls_server_are_unavailable_and_say_so() {
    let (pki, plain) = (Pki::new(), Server::plain().await);
    let secure = Server::start(ServerOptions::new().tls(&pki)).await;
    let https = format!("https://{}", plain.address());
    refused_as(ErrorKind::Unavailable, ClientConfig::new([https]).dial_timeout(DIAL), &["TLS handshake"]).await;
    let http = format!("http://{}", secure.address());
    refused_as(ErrorKind::Unavailable, ClientConfig::new([http]).dial_timeout(DIAL), &["https"]).await;
    let all = plain.client().await.kv_client().get([0], None).await.expect("the plain server goes on");
    assert_eq!(all.count(), 0);
    assert_eq!(client_of(&plain).await.kv().list(Range::prefix("")).await.expect("list").count, 0);
}
