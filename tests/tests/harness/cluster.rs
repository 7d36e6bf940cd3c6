use std::time::Duration;

use gocore_etcd_tests::{Cluster, eventually};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_leader_is_known_and_replaced_when_it_freezes_or_dies() {
    let mut cluster = Cluster::start(3).await;
    let first = cluster.leader().await;
    cluster.freeze(first);
    let second = cluster.leader_other_than(first).await;
    cluster.thaw(first);
    eventually(LONG, "the old leader follows", async || {
        let metrics = cluster.server(first).metrics().await;
        (metrics.has_leader() && !metrics.is_leader()).then_some(())
    })
    .await;
    cluster.kill(second);
    let third = cluster.leader_other_than(second).await;
    assert_ne!(third, second);
    cluster.restart(second).await;
    let through_proxy = etcd_client::Client::connect(cluster.endpoints(), None).await.unwrap();
    through_proxy.kv_client().put("k", "v", None).await.unwrap();
}

#[tokio::test]
async fn an_isolated_leader_is_deposed_and_comes_back() {
    let cluster = Cluster::start(3).await;
    let old = cluster.leader().await;
    cluster.isolate(old);
    eventually(LONG, "the isolated member has no leader", async || {
        (!cluster.server(old).metrics().await.has_leader()).then_some(())
    })
    .await;
    // Not by what a member believes: for a while that still is the old one.
    let others = cluster.client((old + 1) % 3).await;
    eventually(LONG, "the others have one", async || others.kv_client().put("k", "v", None).await.ok()).await;
    cluster.heal(old);
    cluster.leader_other_than(old).await;
    let found = cluster.client(old).await.kv_client().get("k", None).await.unwrap();
    assert_eq!(found.kvs()[0].value(), b"v");
}
