//! Locks in a cluster that is restored from a backup: what is not in it is lost.

use std::time::Duration;

use gocore_etcd_core::{Client, ErrorKind, Lock};
use gocore_etcd_tests::{Server, eventually};
use tokio::time::timeout;

use crate::story::{SOON, client_of, contenders, outcome, until_contenders, waiting};

/// Far beyond every limit here: nothing is noticed because a lease expires.
const TTL: Duration = Duration::from_secs(60);

/// Takes a lock as soon as etcd is back.
async fn locked(client: &Client, key: &str) -> Lock {
    eventually(SOON, "the lock", async || client.lock(key, TTL).await.ok()).await
}

async fn is_lost(lock: &Lock) {
    timeout(SOON, lock.lost()).await.expect("it is noticed");
    assert!(!lock.is_held());
    assert_eq!(lock.put("/data", "stale").await.expect_err("lost").kind(), ErrorKind::Lost);
    assert_eq!(lock.unlock().await.expect_err("lost").kind(), ErrorKind::Lost);
}

#[tokio::test]
async fn a_lock_that_a_restored_cluster_does_not_know_is_lost_with_or_without_its_session_and_one_it_knows_is_held() {
    let mut server = Server::plain().await;
    let (before, after) = (client_of(&server).await, client_of(&server).await);
    let kept = before.lock("kept", TTL).await.expect("lock");
    let backup = server.back_up();
    server.restart().await;
    // One in a session that the backup has, one in a session that it has not, and a waiter of that.
    let (warm, cold) = (locked(&before, "warm").await, locked(&after, "cold").await);
    let waiter = waiting(&after, "kept", TTL);
    until_contenders(&server.client().await, "kept", 2).await;
    // Two records, three locks' keys, a predecessor.
    let watched = async || (server.metrics().await.watchers() >= 6).then_some(());
    eventually(SOON, "the locks' own keys are watched", watched).await;

    server.put_back(backup);
    server.restart().await;
    is_lost(&warm).await;
    is_lost(&cold).await;
    assert_eq!(outcome(waiter).await.expect_err("its place is gone").kind(), ErrorKind::Lost);
    assert!(kept.is_held());
    kept.put("/data", "mine").await.expect("etcd knows it too");
    for key in ["warm", "cold"] {
        let (a, b) = (locked(&before, key).await, locked(&after, "other").await);
        a.unlock().await.expect("unlock");
        b.unlock().await.expect("unlock");
    }
    kept.unlock().await.expect("unlock");
}

#[tokio::test]
async fn what_was_given_back_after_the_backup_is_given_back_again_by_the_next_who_locks() {
    let mut server = Server::plain().await;
    let (client, other) = (client_of(&server).await, client_of(&server).await);
    // Its session will be busy, and so never idle for a TTL.
    let lock = client.lock("k", TTL).await.expect("lock");
    let backup = server.back_up();
    server.restart().await;
    eventually(SOON, "etcd takes writes", async || client.kv().put("/noise", "").await.ok()).await;
    lock.unlock().await.expect("unlock");
    for _ in 0..3 {
        client.lock("other", TTL).await.expect("lock").unlock().await.expect("unlock");
    }
    server.put_back(backup);
    server.restart().await;
    let etcd = server.client().await;
    assert_eq!(contenders(&etcd, "k").await.len(), 1, "there again, under a lease that is kept alive");
    locked(&client, "other").await.unlock().await.expect("unlock");
    let again = timeout(SOON, other.lock("k", TTL)).await.expect("long before a TTL").expect("lock");
    assert!(again.is_held());
}
