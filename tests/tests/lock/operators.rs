//! What people do to the keys of a lock by hand: it is noticed at once, and believed.

use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, ErrorKind, Lock};
use gocore_etcd_tests::{Proxy, Server, eventually};
use tokio::time::timeout;

use crate::story::{
    SOON, agent, client, client_of, contenders, deletion, keys, lease_of, outcome, tell_lock, until_contenders, waiting,
};

/// Far beyond every limit here: nothing is noticed because a renewal fails.
const TTL: Duration = Duration::from_secs(60);
/// What is promised, and kept in the best of a few rounds on a machine however busy.
const PROMISED: Duration = Duration::from_millis(100);
/// What a busy machine may make of it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Waits until the lock is lost, counted from `since`, and checks that everything says so.
async fn is_lost_at_once(what: &str, lock: &Lock, since: Instant) -> Duration {
    timeout(AT_ONCE, lock.lost()).await.unwrap_or_else(|_| panic!("{what}: not noticed within {AT_ONCE:?}"));
    let took = since.elapsed();
    println!("{what}: lost after {took:?}");
    assert!(!lock.is_held());
    let lost = |result: gocore_etcd_core::Result<()>| assert_eq!(result.expect_err(what).kind(), ErrorKind::Lost);
    lost(lock.put("/data", "stale").await.map(drop));
    lost(lock.unlock().await);
    lost(lock.unlock().await);
    took
}

/// Takes the lock; calls again as long as the session turns out to be the one that an operator has just ended.
async fn lock_again(client: &Client, key: &str) -> Lock {
    let lock = async || match client.lock(key, TTL).await {
        Err(error) if error.kind() == ErrorKind::Lost => None,
        other => Some(other.expect("lock")),
    };
    eventually(SOON, "the lock in a new session", lock).await
}

/// Waits until so many watches are open.
async fn until_watched(server: &Server, watches: u64) {
    let watched = async || (server.metrics().await.watchers() >= watches).then_some(());
    eventually(SOON, "what has to be watched is", watched).await;
}

#[tokio::test]
async fn a_lock_whose_lease_an_operator_revokes_is_lost_within_100_ms() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let mut least = AT_ONCE;
    for round in 0..5 {
        let lock = lock_again(&ours, "k").await;
        if round > 0 {
            until_watched(&server, 2).await;
        }
        let lease = lease_of(&etcd, "k").await;
        let since = Instant::now();
        etcd.lease_client().revoke(lease).await.expect("revoke");
        least = least.min(is_lost_at_once("lease revoked", &lock, since).await);
    }
    assert!(least < PROMISED, "{least:?}");
}

#[tokio::test]
async fn a_lock_whose_key_an_operator_deletes_is_lost_within_100_ms_and_its_neighbours_are_not() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let neighbour = ours.lock("neighbour", TTL).await.expect("lock of the same session");
    let mut least = AT_ONCE;
    for round in 0..5 {
        let lock = ours.lock("k", TTL).await.expect("lock");
        // The first is deleted before anything watches it.
        if round > 0 {
            until_watched(&server, 3).await;
        }
        let since = Instant::now();
        etcd.kv_client().delete(contenders(&etcd, "k").await[0].as_str(), None).await.expect("delete");
        least = least.min(is_lost_at_once("key deleted", &lock, since).await);
    }
    assert!(least < PROMISED, "{least:?}");
    assert!(neighbour.is_held());
    neighbour.unlock().await.expect("unlock");
}

#[tokio::test]
async fn a_waiter_whose_place_is_deleted_or_whose_lease_is_revoked_is_told_and_never_believes_it_won() {
    let server = Server::plain().await;
    let (holder, etcd) = (client_of(&server).await, server.client().await);
    for round in 0..4 {
        let queued = client_of(&server).await;
        let held = holder.lock("k", TTL).await.expect("lock");
        let waiter = waiting(&queued, "k", TTL);
        until_contenders(&etcd, "k", 2).await;
        let place = contenders(&etcd, "k").await.pop().expect("the waiter's key");
        let waited = if round % 2 == 0 {
            etcd.kv_client().delete(place.as_str(), None).await.expect("delete");
            // Right behind it its turn would come.
            held.unlock().await.expect("unlock");
            outcome(waiter).await
        } else {
            let lease = i64::from_str_radix(place.rsplit('/').next().expect("a lease"), 16).expect("hex");
            etcd.lease_client().revoke(lease).await.expect("revoke");
            // Told at once, although the other holds on.
            let waited = timeout(AT_ONCE, waiter).await.expect("told at once").expect("no panic");
            held.unlock().await.expect("unlock");
            waited
        };
        let error = waited.expect_err("no place, no turn");
        assert_eq!(error.kind(), ErrorKind::Lost, "round {round}: {error}");
        assert_eq!(contenders(&etcd, "k").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_waiter_that_hears_of_its_turn_and_of_its_own_end_in_one_breath_does_not_believe_it_won() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (holder, etcd) = (client_of(&server).await, server.client().await);
    for round in 0..4 {
        let queued = client([proxy.endpoint()]).await;
        let held = holder.lock("k", TTL).await.expect("lock");
        let waiter = waiting(&queued, "k", TTL);
        until_watched(&server, 4).await;
        proxy.hold_answers();
        // Its turn comes first, and its place is gone before it can look.
        held.unlock().await.expect("unlock");
        etcd.kv_client().delete(contenders(&etcd, "k").await[0].as_str(), None).await.expect("delete");
        proxy.pass();
        let error = outcome(waiter).await.expect_err("its place is gone");
        assert_eq!(error.kind(), ErrorKind::Lost, "round {round}: {error}");
        queued.close().await.expect("close");
    }
}

#[tokio::test]
async fn a_waiter_that_was_cut_off_or_stopped_for_longer_than_its_ttl_does_not_believe_it_won() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (holder, queued, etcd) = (client_of(&server).await, client([proxy.endpoint()]).await, server.client().await);
    let mut stopped = agent("/go-core", &[server.endpoint()]).await;
    let ttl = Duration::from_secs(2);
    let held = holder.lock("k", TTL).await.expect("lock");
    let waiter = waiting(&queued, "k", ttl);
    tell_lock(&mut stopped, "k", ttl);
    until_contenders(&etcd, "k", 3).await;
    let gone = deletion(&etcd, "/go-core/locks/k/").await;
    proxy.black_hole();
    stopped.freeze();
    timeout(SOON, gone).await.expect("expired").expect("no panic");
    until_contenders(&etcd, "k", 1).await;
    // Now it would be their turn.
    held.unlock().await.expect("unlock");
    stopped.thaw();
    proxy.pass();
    assert_eq!(outcome(waiter).await.expect_err("its session is dead").kind(), ErrorKind::Lost);
    assert_eq!(stopped.expect("failed", SOON).await.body["kind"], "Lost");
    assert_eq!(contenders(&etcd, "k").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_predecessor_that_unlocks_and_locks_again_at_once_under_the_same_name_strands_nobody() {
    const ROUNDS: u32 = 60;
    let server = Server::plain().await;
    let (a, b, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    // Two clients, and one with two contenders in its session.
    for (key, first, second) in [("two", &a, &b), ("one", &a, &a)] {
        let mut held = first.lock(key, TTL).await.expect("lock");
        for round in 0..ROUNDS {
            let waiter = waiting(second, key, TTL);
            until_contenders(&etcd, key, 2).await;
            let name = contenders(&etcd, key).await.swap_remove(0);
            if round % 3 == 0 {
                // Not always in the middle of its entering.
                tokio::time::sleep(Duration::from_millis(u64::from(round % 7))).await;
            }
            held.unlock().await.expect("unlock");
            // Its name is free from here on.
            drop(held);
            let again = first.lock(key, TTL);
            let (waited, again) = tokio::join!(outcome_then_unlock(waiter), timeout(SOON, again));
            waited.unwrap_or_else(|error| panic!("{key} {round}: {error}"));
            held = again.expect("its turn again").expect("lock");
            assert_eq!(contenders(&etcd, key).await, [name], "under the same name");
        }
        held.unlock().await.expect("unlock");
        assert_eq!(keys(&etcd, &format!("/go-core/locks/{key}/")).await, Vec::<String>::new());
    }
}

async fn outcome_then_unlock(
    waiter: tokio::task::JoinHandle<gocore_etcd_core::Result<Lock>>,
) -> gocore_etcd_core::Result<()> {
    outcome(waiter).await?.unlock().await
}
