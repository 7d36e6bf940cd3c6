//! A member that lags behind the others, and is asked whose turn it is.

use std::time::Duration;

use gocore_etcd_tests::{Cluster, eventually};

use crate::story::{SOON, client, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_member_that_lags_behind_takes_no_turn_away() {
    let cluster = Cluster::start(3).await;
    let (leader, laggard) = (cluster.leader().await, cluster.follower().await);
    let [near, far] = [leader, laggard].map(|i| cluster.endpoints()[i].clone());
    let (holder, etcd) = (client([near.clone()]).await, cluster.client(leader).await);
    let held = holder.lock("k", TTL).await.expect("lock");

    // Its streams are at home with the leader, because there is nobody else in the beginning.
    cluster.proxy(laggard).refuse();
    let queued = client([near, far]).await;
    queued.lock("a warm session", TTL).await.expect("lock").unlock().await.expect("unlock");
    cluster.proxy(laggard).pass();
    // From here on requests take turns: the last one went to the laggard, the next goes to the leader.
    let reads = async || cluster.server(laggard).metrics().await.requests_of("Range");
    let mut turns = Vec::new();
    while !turns.ends_with(&[true, false, true, false, true]) {
        let before = reads().await;
        queued.kv().get("/whatever").await.expect("get");
        turns.push(reads().await > before);
        assert!(turns.len() < 1000, "the laggard is not asked in turn: {turns:?}");
    }

    cluster.isolate(laggard);
    let before = cluster.server(laggard).metrics().await;
    let waiter = waiting(&queued, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    held.unlock().await.expect("unlock");
    // It knows neither of the release nor of the waiter.
    let asked =
        async || (cluster.server(laggard).metrics().await.requests_of("Txn") > before.requests_of("Txn")).then_some(());
    eventually(SOON, "the laggard is asked for the turn", asked).await;
    assert!(outcome(waiter).await.expect("its turn").is_held());
    cluster.heal(laggard);
}
