//! Watches and renewals of a client stay at one member: an answered renewal vouches for the member that serves the watches.

use std::time::Duration;

use gocore_etcd_core::{Client, Lock};
use gocore_etcd_tests::Metrics;

use super::*;

/// A renewal may hang for a sixth of it. Several, so that some are due every moment.
const TTLS: std::ops::Range<u64> = 6..16;
const CALM: Duration = Duration::from_secs(8);

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

/// A client whose streams are at the follower that comes after the leader, where they go on to the other follower; locks
/// that are renewed, and a watch.
async fn at_a_follower(cluster: &Cluster) -> (Client, Vec<Lock>, KvWatch, usize) {
    let here = cluster.follower().await;
    loop {
        let config = ClientConfig::new(cluster.endpoints()).keep_alive(Duration::from_secs(3600), SOON);
        let client = Client::connect(config).await.expect("connect");
        let mut locks = Vec::new();
        for ttl in TTLS {
            locks.push(client.lock(&ttl.to_string(), Duration::from_secs(ttl)).await.expect("lock"));
        }
        let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
        assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
        let watched = async || metrics(cluster).await.iter().position(|metrics| metrics.watchers() >= 2);
        if eventually(SOON, "the watch and the lock's own are served", watched).await == here {
            return (client, locks, watch, here);
        }
        drop(watch);
        drop(locks);
        client.close().await.expect("close");
    }
}

/// The member that answers the renewals, once several in a row were answered by it alone.
async fn renewed_at(cluster: &Cluster) -> usize {
    loop {
        let before = metrics(cluster).await;
        let answered = async || {
            let renewals = |(now, before): (&Metrics, &Metrics)| (now - before).sent_on("LeaseKeepAlive");
            let answers: Vec<_> = metrics(cluster).await.iter().zip(&before).map(renewals).collect();
            (answers.iter().sum::<u64>() >= 6).then_some(answers)
        };
        let answers = eventually(SOON, "renewals are answered", answered).await;
        if let [member] = (0..answers.len()).filter(|i| answers[*i] > 0).collect::<Vec<_>>()[..] {
            return member;
        }
    }
}

#[tokio::test]
async fn when_a_hiccup_of_the_leader_has_moved_the_renewals_the_watches_follow() {
    let cluster = Cluster::start(3).await;
    let writing = Client::connect(ClientConfig::new(cluster.direct_endpoints())).await.expect("connect");
    let (_client, locks, mut watch, mut picture, there) = loop {
        let (client, locks, mut watch, here) = at_a_follower(&cluster).await;
        let mut picture = Picture::default();
        let begun = writing.kv().put("/w/begun", "").await.expect("put");
        while picture.revision < begun {
            picture.update(next(&mut watch).await);
        }
        assert_eq!(renewed_at(&cluster).await, here, "together");
        let leader = cluster.leader().await;
        cluster.freeze(leader);
        cluster.leader_other_than(leader).await;
        cluster.thaw(leader);
        // Unless the election was quicker, a renewal has hung in this follower, which waited for its leader.
        let there = renewed_at(&cluster).await;
        if there != here {
            break (client, locks, watch, picture, there);
        }
        drop((watch, locks));
        client.close().await.expect("close");
    };
    let mut puts = Vec::new();
    let followed = async || {
        puts.extend(writing.kv().put(format!("/w/{}", puts.len()), "").await.ok());
        let watched = metrics(&cluster).await.iter().map(|metrics| metrics.watchers() >= 2).collect::<Vec<_>>();
        (watched[there] && watched.iter().filter(|watched| **watched).count() == 1).then_some(())
    };
    eventually(SOON, "the watches follow", followed).await;
    let opened = streams(&cluster).await;
    // A sleep, because nothing more is to happen: renewals are answered, and nobody moves.
    tokio::time::sleep(CALM).await;
    assert_eq!(streams(&cluster).await, opened, "one resume for one move");
    assert!(locks.iter().all(Lock::is_held));

    writing.kv().put("/w/end", "").await.expect("put");
    picture.until(&mut watch, "/w/end").await;
    let lost: Vec<_> = puts.into_iter().filter(|put| !picture.told.contains(put)).collect();
    assert_eq!(lost, Vec::<i64>::new());
    picture.assert_true(&writing, "/w/").await;
    // No ping finds out that this one falls silent: the renewals do.
    cluster.freeze(there);
    eventually(SOON, "etcd takes writes", async || writing.kv().put("/w/frozen", "").await.ok()).await;
    picture.until(&mut watch, "/w/frozen").await;
    cluster.thaw(there);
    assert_eq!(picture.snapshots, 0, "resumed, never listed again");
}
