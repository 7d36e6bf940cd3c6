//! One owner at a time, in order of arrival, over processes and machines.

use std::time::Duration;

use gocore_etcd_core::{Order, Range};
use gocore_etcd_tests::{Cluster, Server};
use serde_json::json;

use crate::story::{SOON, agent, client, client_of, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(20);

/// So many processes each add one to an unguarded counter so many times, under one lock.
async fn processes_count(endpoints: &[String], processes: usize, turns: u64) -> String {
    let mut agents = Vec::new();
    for _ in 0..processes {
        agents.push(agent("/go-core", endpoints).await);
    }
    let ttl_ms = TTL.as_millis() as u64;
    for agent in &mut agents {
        let count = json!({"do": "count", "key": "k", "ttl_ms": ttl_ms, "counter": "/counter", "turns": turns});
        agent.send(&count).expect("the agent listens");
    }
    for agent in &mut agents {
        agent.expect("counted", Duration::from_secs(180)).await;
    }
    let sum = client(endpoints).await.kv().get("/counter").await.expect("get").expect("counted");
    String::from_utf8(sum.value).expect("a number")
}

#[tokio::test]
async fn eight_processes_with_two_hundred_turns_each_lose_no_update() {
    let server = Server::plain().await;
    assert_eq!(processes_count(&[server.endpoint()], 8, 200).await, "1600");
}

#[tokio::test]
async fn processes_that_reach_different_members_exclude_each_other() {
    let cluster = Cluster::start(3).await;
    let mut endpoints = cluster.endpoints();
    endpoints.rotate_left(1);
    assert_eq!(processes_count(&endpoints, 4, 40).await, "160");
}

#[tokio::test]
async fn the_lock_goes_round_in_order_of_arrival_over_clients_each_with_a_higher_token() {
    const CLIENTS: usize = 4;
    let server = Server::plain().await;
    let etcd = server.client().await;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(client_of(&server).await);
    }
    let first = clients[0].lock("k", TTL).await.expect("lock");
    let mut queue = Vec::new();
    // Two turns for each, interleaved, the second under another name of the same session.
    for n in 0..2 * CLIENTS {
        queue.push(waiting(&clients[n % CLIENTS], "k", TTL));
        until_contenders(&etcd, "k", n + 2).await;
    }
    let mut token = first.token();
    first.unlock().await.expect("unlock");
    for (n, waiter) in queue.into_iter().enumerate() {
        let lock = outcome(waiter).await.unwrap_or_else(|error| panic!("turn {n}: {error}"));
        assert!(lock.is_held() && lock.token() > token, "turn {n}");
        let owner = Range::prefix("/go-core/locks/k/").order(Order::OldestCreated).limit(1);
        let owner = clients[0].kv().list(owner).await.expect("list").kvs;
        assert_eq!(owner[0].create_revision, lock.token(), "turn {n}: the owner is who came first");
        token = lock.token();
        lock.unlock().await.expect("unlock");
    }
    tokio::time::timeout(SOON, clients[0].lock("k", TTL)).await.expect("free again").expect("lock");
}
