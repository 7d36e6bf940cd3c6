//! Watches and renewals of a client stay at one member: an answered renewal vouches for the member that serves the watches.

use std::time::Duration;

use gocore_etcd_core::{Client, Lock};
use gocore_etcd_tests::Metrics;

use super::*;

/// A renewal may hang for a sixth of it.
const TTL: Duration = Duration::from_secs(6);

async fn metrics(cluster: &Cluster) -> Vec<Metrics> {
    let mut all = Vec::new();
    for i in 0..cluster.size() {
        all.push(cluster.server(i).metrics().await);
    }
    all
}

/// How many watch streams were opened so far.
async fn streams(cluster: &Cluster) -> u64 {
    metrics(cluster).await.iter().map(|metrics| metrics.requests_of("Watch")).sum()
}

/// A client whose streams are at the follower that comes after the leader, where they go on to the other follower; a lock
/// that is renewed, and a watch.
async fn at_a_follower(cluster: &Cluster) -> (Client, Lock, KvWatch, usize) {
    let here = cluster.follower().await;
    loop {
        let config = ClientConfig::new(cluster.endpoints()).keep_alive(Duration::from_secs(3600), SOON);
        let client = Client::connect(config).await.expect("connect");
        let lock = client.lock("k", TTL).await.expect("lock");
        let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
        assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
        let watched = async || metrics(cluster).await.iter().position(|metrics| metrics.watchers() >= 2);
        if eventually(SOON, "the watch and the lock's own are served", watched).await == here {
            return (client, lock, watch, here);
        }
        drop(watch);
        drop(lock);
        client.close().await.expect("close");
    }
}

#[tokio::test]
async fn when_a_hiccup_of_the_leader_has_moved_the_renewals_the_watches_follow_once() {
    let cluster = Cluster::start(3).await;
    let writing = Client::connect(ClientConfig::new(cluster.direct_endpoints())).await.expect("connect");
    let (_client, lock, mut watch, here) = at_a_follower(&cluster).await;
    let (leader, there) = ((here + 2) % 3, (here + 1) % 3);
    assert_eq!(cluster.leader().await, leader);
    let mut picture = Picture::default();
    writing.kv().put("/w/before", "").await.expect("put");
    picture.until(&mut watch, "/w/before").await;

    let renewals = async || cluster.server(there).metrics().await.messages_of("LeaseKeepAlive");
    let (before, opened) = (renewals().await, streams(&cluster).await);
    cluster.freeze(leader);
    // A renewal that hangs in the follower, because that waits for its leader.
    eventually(SOON, "renewals go elsewhere", async || (renewals().await > before).then_some(())).await;
    cluster.thaw(leader);
    let mut puts = Vec::new();
    let followed = async || {
        puts.extend(writing.kv().put(format!("/w/{}", puts.len()), "").await.ok());
        let metrics = metrics(&cluster).await;
        (metrics[there].watchers() >= 2 && metrics[here].watchers() == 0).then_some(())
    };
    eventually(SOON, "the watches follow", followed).await;
    // A sleep, because nothing more is to happen: renewals are answered, and nobody moves.
    tokio::time::sleep(TTL).await;
    assert_eq!(streams(&cluster).await, opened + 1, "one resume for one move");
    assert!(lock.is_held());

    writing.kv().put("/w/end", "").await.expect("put");
    picture.until(&mut watch, "/w/end").await;
    let lost: Vec<_> = puts.into_iter().filter(|put| !picture.told.contains(put)).collect();
    assert_eq!(lost, Vec::<i64>::new());
    assert_eq!(picture.snapshots, 0, "resumed, never listed again");
    picture.assert_true(&writing, "/w/").await;
}
