//! One owner at a time, in order of arrival. Over processes and languages: `tests/languages/exclusion.rs`.

use std::time::Duration;

use gocore_etcd_core::{Order, Range};
use gocore_etcd_tests::Server;

use crate::story::{SOON, client_of, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(20);

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
