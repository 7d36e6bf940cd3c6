//! A member that lags behind the others, and whose turn it is.

use std::time::Duration;

use gocore_etcd_core::Client;
use gocore_etcd_tests::{Cluster, eventually};

use crate::story::{SOON, client, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(10);

/// A client of two members. Its streams are at home with `near`; its requests take turns, and the next goes there.
async fn at_home(cluster: &Cluster, near: usize, far: usize) -> Client {
    cluster.proxy(far).refuse();
    let ours = client([near, far].map(|i| cluster.endpoints()[i].clone())).await;
    ours.lock("a warm session", TTL).await.expect("lock").unlock().await.expect("unlock");
    cluster.proxy(far).pass();
    let reads = async || cluster.server(far).metrics().await.requests_of("Range");
    let mut turns = Vec::new();
    while !turns.ends_with(&[true, false, true, false, true]) {
        let before = reads().await;
        ours.kv().get("/whatever").await.expect("get");
        turns.push(reads().await > before);
        assert!(turns.len() < 1000, "they are not asked in turn: {turns:?}");
    }
    ours
}

#[tokio::test]
async fn a_member_that_lags_behind_is_not_asked_whose_turn_it_is() {
    let cluster = Cluster::start(3).await;
    let (leader, laggard) = (cluster.leader().await, cluster.follower().await);
    let (holder, etcd) = (client([cluster.endpoints()[leader].clone()]).await, cluster.client(leader).await);
    let held = holder.lock("k", TTL).await.expect("lock");
    let queued = at_home(&cluster, leader, laggard).await;
    let metrics = async |member| cluster.server(member).metrics().await;
    let (watched, before) = (metrics(leader).await.watchers(), metrics(laggard).await);

    cluster.isolate(laggard);
    let waiter = waiting(&queued, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    let watches = async || (metrics(leader).await.watchers() > watched).then_some(());
    eventually(SOON, "it watches its predecessor", watches).await;
    held.unlock().await.expect("unlock");
    let lock = outcome(waiter).await.expect("its turn");
    // It would be the next in turn, and knows neither of the release nor of the waiter.
    assert_eq!(metrics(laggard).await.requests_of("Txn"), before.requests_of("Txn"));
    assert!(lock.is_held());
    cluster.heal(laggard);
}
