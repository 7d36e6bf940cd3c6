//! `raw()`: etcd-client's own client on our connections, with our failover and our token.

use std::time::Duration;

use etcd_client::EventType;
use gocore_etcd_core::Client;
use gocore_etcd_tests::{Auth, Cluster, ClusterOptions, Server, ServerOptions, eventually};
use tokio::time::timeout;

use crate::story::{SOON, as_worker, client, client_of, connected};

/// The usual calls, each of which must work.
async fn works(client: &Client, key: &str) {
    let raw = client.raw();
    let mut kv = raw.kv_client();
    kv.put(key, "v", None).await.expect("raw put");
    let got = kv.get(key, None).await.expect("raw get");
    assert_eq!(got.kvs().first().expect("there").value(), b"v");
    assert_eq!(client.kv().get(key).await.expect("get").expect("there").value, b"v", "one store, two doors");
    let lease = raw.lease_client().grant(60, None).await.expect("raw grant").id();
    raw.lease_client().revoke(lease).await.expect("raw revoke");
    let mut watch = raw.watch_client().watch(key, None).await.expect("raw watch");
    assert_eq!(kv.delete(key, None).await.expect("raw delete").deleted(), 1);
    loop {
        let message = timeout(SOON, watch.message()).await.expect("in time").expect("no error").expect("goes on");
        if message.events().iter().any(|event| event.event_type() == EventType::Delete) {
            return;
        }
    }
}

#[tokio::test]
async fn raw_works_on_the_same_connections() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    works(&client, "/k").await;
}

#[tokio::test]
async fn raw_works_as_the_same_user_also_after_the_token_has_expired() {
    // raw() is not sent again, so all of it must end within one life.
    let life = Duration::from_secs(5);
    let server = Server::start(ServerOptions::new().auth(Auth::jwt(life))).await;
    let auth = server.auth().expect("authentication is on");
    let client = connected(as_worker([server.endpoint()], auth)).await;
    works(&client, "/go-core/k").await;
    tokio::time::sleep(life + Duration::from_secs(1)).await;
    // Our own call finds out and renews the token; raw() and its clones from before have the new one.
    let before = client.raw();
    client.kv().get("/go-core/k").await.expect("get");
    before.kv_client().get("/go-core/k", None).await.expect("the token is shared");
    works(&client, "/go-core/k").await;
}

#[tokio::test]
async fn raw_goes_to_the_members_that_live() {
    let auth = Auth::simple(Duration::from_secs(300));
    let options = ClusterOptions::new(3).server(ServerOptions::new().auth(auth));
    let mut cluster = Cluster::start_with(options).await;
    let auth = cluster.auth().expect("authentication is on").clone();
    let (plain, victim) = (connected(as_worker(cluster.endpoints(), &auth)).await, cluster.follower().await);
    works(&plain, "/go-core/k").await;
    cluster.kill(victim);
    // What was under way on its connections is over; raw() resends nothing that was sent.
    let closed = async || (cluster.proxy(victim).traffic().open == 0).then_some(());
    eventually(SOON, "its connections are closed", closed).await;
    for _ in 0..2 * cluster.size() {
        // In turn to each: these may find out what raw() would fail by.
        plain.kv().get("/go-core/k").await.expect("get");
    }
    for n in 0..5 {
        works(&plain, &format!("/go-core/k{n}")).await;
    }
}

#[tokio::test]
async fn raw_is_never_refused_by_a_member_that_is_gone() {
    let cluster = Cluster::start(3).await;
    let client = client(cluster.endpoints()).await;
    let puts = async || cluster.server(0).metrics().await.requests_of("Put");
    for round in 0..5 {
        let before = puts().await;
        let used = async || {
            client.kv().put("/k", "v").await.expect("put");
            (puts().await > before).then_some(())
        };
        eventually(SOON, "the member is used", used).await;
        cluster.proxy(0).cut();
        let closed = async || (cluster.proxy(0).traffic().open == 0).then_some(());
        eventually(SOON, "its connections are closed", closed).await;
        for _ in 0..2 * cluster.size() {
            // What was under way when the connection broke may fail; what could not be sent goes elsewhere.
            if let Err(error) = client.raw().kv_client().get("/k", None).await {
                assert!(!format!("{error:?}").contains("refused"), "round {round}: {error:?}");
            }
        }
        works(&client, "/k").await;
        cluster.proxy(0).pass();
    }
}
