//! Following the members: what the cluster advertises is used, and what it does not advertise any more is not.

use std::time::Duration;

use gocore_etcd_core::ClientConfig;
use gocore_etcd_tests::{Cluster, Server, ServerOptions, eventually};

use crate::story::{SOON, connected};

const INTERVAL: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_client_that_knew_one_member_goes_on_with_the_others_when_that_one_is_killed() {
    let mut cluster = Cluster::start(3).await;
    // The members advertise their proxies.
    let first = cluster.endpoints()[0].clone();
    let client = connected(ClientConfig::new([first]).auto_sync_interval(Some(INTERVAL))).await;
    let used = async || {
        client.kv().put("/k", "v").await.expect("put");
        let (one, two) = (cluster.server(1).metrics().await, cluster.server(2).metrics().await);
        (one.requests_of("Put") > 0 && two.requests_of("Put") > 0).then_some(())
    };
    eventually(SOON, "the other members are used", used).await;
    let lock = client.lock("k", Duration::from_secs(10)).await.expect("lock");
    cluster.kill(0);
    for n in 0..50 {
        client.kv().get("/k").await.unwrap_or_else(|error| panic!("get {n}: {error}"));
    }
    cluster.leader().await;
    for n in 0..50 {
        client.kv().put("/k", "v").await.unwrap_or_else(|error| panic!("put {n}: {error}"));
    }
    assert!(lock.is_held());
    lock.unlock().await.expect("unlock");
}

#[tokio::test]
async fn without_it_a_client_uses_the_endpoints_it_was_given_alone() {
    let cluster = Cluster::start(3).await;
    let client = connected(ClientConfig::new([cluster.endpoints()[0].clone()])).await;
    for _ in 0..20 {
        client.kv().put("/k", "v").await.expect("put");
    }
    for other in [1, 2] {
        assert_eq!(cluster.server(other).metrics().await.requests_of("Put"), 0);
        assert_eq!(cluster.proxy(other).traffic().accepted, 0, "nobody even connected");
    }
}

#[tokio::test]
async fn an_advertised_address_that_nobody_can_reach_does_not_cost_the_one_that_works() {
    let unreachable = "--advertise-client-urls=http://127.0.0.1:1";
    let server = Server::start(ServerOptions::new().flag(unreachable)).await;
    let config = ClientConfig::new([server.endpoint()]).auto_sync_interval(Some(INTERVAL));
    let client = connected(config).await;
    let synced = async || (server.metrics().await.requests_of("MemberList") >= 3).then_some(());
    eventually(SOON, "synced three times", synced).await;
    for n in 0..20 {
        client.kv().put("/k", "v").await.unwrap_or_else(|error| panic!("put {n}: {error}"));
        client.kv().get("/k").await.unwrap_or_else(|error| panic!("get {n}: {error}"));
    }
}
