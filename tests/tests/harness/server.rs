use std::time::Duration;

use gocore_etcd_tests::{Auth, Pki, Server, ServerOptions, eventually};
use tokio::time::timeout;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn requests_and_proposals_are_counted() {
    let server = Server::plain().await;
    let client = server.client().await;
    client.kv_client().get("warm", None).await.unwrap();
    let before = server.metrics().await;
    client.kv_client().put("k", "v", None).await.unwrap();
    client.kv_client().get("k", None).await.unwrap();
    let cost = &server.metrics().await - &before;
    assert_eq!(cost.requests(), [("Put".to_owned(), 1), ("Range".to_owned(), 1)].into());
    assert_eq!(cost.proposals(), 1);
}

#[tokio::test]
async fn a_frozen_server_accepts_and_says_nothing_until_it_is_thawed() {
    let server = Server::plain().await;
    let client = server.client().await;
    server.freeze();
    let mut kv = client.kv_client();
    let mut get = std::pin::pin!(kv.get("k", None));
    assert!(timeout(SHORT, &mut get).await.is_err(), "a frozen server answered");
    tokio::net::TcpStream::connect(server.address()).await.expect("its kernel accepts");
    server.thaw();
    timeout(LONG, get).await.expect("it answers again").unwrap();
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_the_ports() {
    let mut server = Server::plain().await;
    server.client().await.kv_client().put("k", "v", None).await.unwrap();
    let endpoint = server.endpoint();
    server.kill();
    let refused = tokio::net::TcpStream::connect(server.address()).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    server.restart().await;
    assert_eq!(server.endpoint(), endpoint);
    let found = server.client().await.kv_client().get("k", None).await.unwrap();
    assert_eq!(found.kvs()[0].value(), b"v");
}

#[tokio::test]
async fn a_backup_that_is_put_back_is_the_store_of_then_and_one_founded_anew_is_another_cluster() {
    let mut server = Server::plain().await;
    let client = server.client().await;
    let put = async |key: &str| {
        let put = async || client.kv_client().put(key, "v", None).await.ok();
        let header = eventually(LONG, "a put", put).await.take_header().unwrap();
        (header.cluster_id(), header.revision())
    };
    let then = put("k").await;
    let backup = server.back_up();
    server.restart().await;
    assert_eq!(put("later").await, (then.0, then.1 + 1));
    server.put_back(backup);
    server.restart().await;
    assert_eq!(put("k").await, (then.0, then.1 + 1), "as if nothing had been put");
    server.found_anew();
    server.restart().await;
    let (cluster, revision) = put("k").await;
    assert!(cluster != then.0 && revision == 2);
}

#[tokio::test]
async fn a_full_server_refuses_writes() {
    let server = Server::start(ServerOptions::new().quota_backend_bytes(64 << 10)).await;
    let mut kv = server.client().await.kv_client();
    let refused = eventually(LONG, "NOSPACE", async || kv.put("k", vec![0; 32 << 10], None).await.err()).await;
    assert!(refused.to_string().contains("database space exceeded"));
}

#[tokio::test]
async fn simple_tokens_and_rights_below_a_prefix() {
    Box::pin(rights(Auth::simple(Duration::from_secs(2)))).await;
}

#[tokio::test]
async fn json_web_tokens_and_rights_below_a_prefix() {
    Box::pin(rights(Auth::jwt(Duration::from_secs(2)))).await;
}

async fn rights(auth: Auth) {
    let server = Server::start(ServerOptions::new().auth(auth)).await;
    let auth = server.auth().unwrap();
    let mut worker = server.connect(Some((&auth.user, &auth.password))).await.kv_client();
    worker.put("/go-core/k", "v", None).await.expect("inside its prefix");
    let denied = worker.put("/elsewhere", "v", None).await.unwrap_err();
    assert!(denied.to_string().contains("permission denied"), "{denied}");
    let nobody = server.connect(None).await.kv_client().get("/go-core/k", None).await.unwrap_err();
    assert!(nobody.to_string().contains("user name is empty"), "{nobody}");
    server.client().await.kv_client().put("/elsewhere", "v", None).await.expect("root may everything");
}

#[tokio::test]
async fn tls_mutual_tls_and_the_wrong_name() {
    let pki = Pki::new();
    for options in [
        ServerOptions::new().tls(&pki),
        ServerOptions::new().mutual_tls(&pki),
        ServerOptions::new().tls_elsewhere(&pki),
    ] {
        let server = Server::start(options).await;
        assert!(server.endpoint().starts_with("https://"));
        server.client().await.kv_client().put("k", "v", None).await.unwrap();
    }
}

#[tokio::test]
async fn the_log_is_kept_and_without_our_own_noise() {
    let server = Server::start(ServerOptions::new().log_level("info")).await;
    assert!(server.log().contains("ready to serve client requests"));
    assert!(!server.log().contains("/health error"));
}
