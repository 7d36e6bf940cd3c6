//! Dropped at any await, whatever it had begun: nothing is left, and the lock can be had by others.

use std::time::Duration;

use gocore_etcd_core::{Client, Lock};
use gocore_etcd_tests::{Server, eventually};

use crate::story::{
    AWHILE, MOST_POLLS, SOON, client_of, contenders, dropped_at_every_await, keys, outcome, polled, until_contenders,
    until_free, waiting,
};

const TTL: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_lock_dropped_at_any_await_leaves_nothing_in_a_warm_session_and_in_a_cold_one() {
    let server = Server::plain().await;
    let (other, etcd, warm) = (client_of(&server).await, server.client().await, client_of(&server).await);
    let nothing_is_left = async || {
        until_contenders(&etcd, "k", 0).await;
        until_free(&other, "k", TTL).await;
    };
    let lock = async |client: Client| client.lock("k", TTL).await.expect("lock");
    drop(dropped_at_every_await("cold lock", async || client_of(&server).await, lock, nothing_is_left).await);
    nothing_is_left().await;
    let _neighbour = warm.lock("neighbour", TTL).await.expect("lock");
    drop(dropped_at_every_await("warm lock", async || warm.clone(), lock, nothing_is_left).await);
    nothing_is_left().await;
    let try_lock = async |client: Client| client.try_lock("k", TTL).await.expect("try_lock").expect("free");
    drop(dropped_at_every_await("try_lock", async || warm.clone(), try_lock, nothing_is_left).await);
    nothing_is_left().await;
}

#[tokio::test]
async fn a_waiter_dropped_at_any_await_leaves_the_queue_as_it_was() {
    let server = Server::plain().await;
    let (other, etcd, warm) = (client_of(&server).await, server.client().await, client_of(&server).await);
    let held = other.lock("k", TTL).await.expect("lock");
    let _neighbour = warm.lock("neighbour", TTL).await.expect("lock");
    for polls in 0..8 {
        assert!(polled(warm.lock("k", TTL), polls, AWHILE).await.is_none(), "it is held by another");
        until_contenders(&etcd, "k", 1).await;
        assert!(polled(warm.try_lock("k", TTL), polls, AWHILE).await.is_none_or(|tried| tried.expect("try").is_none()));
        until_contenders(&etcd, "k", 1).await;
    }
    assert!(held.is_held());
    held.unlock().await.expect("unlock");
    until_free(&other, "k", TTL).await;
}

#[tokio::test]
async fn a_waiter_whose_predecessor_gives_up_waits_on_for_those_before_it() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let held = other.lock("k", TTL).await.expect("lock");
    let mut queue = Vec::new();
    for n in 0..4 {
        queue.push(waiting(if n % 2 == 0 { &ours } else { &other }, "k", TTL));
        until_contenders(&etcd, "k", n + 2).await;
    }
    let last = queue.pop().expect("the last");
    for (n, waiter) in queue.into_iter().enumerate() {
        waiter.abort();
        until_contenders(&etcd, "k", 4 - n).await;
    }
    // Time enough to believe what is wrong.
    assert!(tokio::time::timeout(AWHILE, held.lost()).await.is_err());
    assert!(!last.is_finished(), "the holder still holds");
    held.unlock().await.expect("unlock");
    assert!(outcome(last).await.expect("its turn").is_held());
}

#[tokio::test]
async fn a_lock_given_up_after_any_time_leaves_nothing() {
    let server = Server::plain().await;
    let (other, etcd, warm) = (client_of(&server).await, server.client().await, client_of(&server).await);
    let _neighbour = warm.lock("neighbour", TTL).await.expect("lock");
    for step in 0..40u64 {
        // Ever later, until well after the answer; what was acquired is dropped.
        let limit = Duration::from_micros(step * step * 8);
        drop(tokio::time::timeout(limit, warm.lock("k", TTL)).await);
        if step % 8 == 7 {
            until_free(&other, "k", TTL).await;
            until_contenders(&etcd, "k", 0).await;
        }
    }
}

#[tokio::test]
async fn an_unlock_dropped_at_any_await_is_finished_in_the_background() {
    let server = Server::plain().await;
    let (other, etcd, warm) = (client_of(&server).await, server.client().await, client_of(&server).await);
    let locked = async || warm.lock("k", TTL).await.expect("lock");
    for polls in 0..6 {
        let lock: Lock = locked().await;
        let unlocked = polled(lock.unlock(), polls, AWHILE).await;
        assert!(polls == 0 || !lock.is_held(), "from the beginning of the call on it is not held");
        drop(lock);
        until_contenders(&etcd, "k", 0).await;
        until_free(&other, "k", TTL).await;
        unlocked.unwrap_or(Ok(())).expect("unlock");
    }
    for polls in 0..6 {
        let lock = locked().await;
        drop(polled(lock.unlock(), polls, AWHILE).await);
        if polls > 0 {
            // Nobody asks again, and the lock lives.
            until_contenders(&etcd, "k", 0).await;
        }
        lock.unlock().await.expect("called again");
        assert_eq!(contenders(&etcd, "k").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_connect_dropped_at_any_await_leaves_nothing() {
    let server = Server::plain().await;
    let proxy = gocore_etcd_tests::Proxy::start(server.address());
    let config = || gocore_etcd_core::ClientConfig::new([proxy.endpoint()]);
    for polls in 0..MOST_POLLS {
        let connected = polled(Client::connect(config()), polls, AWHILE).await;
        let ended = connected.is_some();
        if let Some(connected) = connected {
            connected.expect("connect").close().await.expect("close");
        }
        let closed = async || (proxy.traffic().open == 0).then_some(());
        eventually(SOON, "no connection is left", closed).await;
        if ended {
            break;
        }
    }
    assert_eq!(keys(&server.client().await, "/go-core/").await, Vec::<String>::new());
}
