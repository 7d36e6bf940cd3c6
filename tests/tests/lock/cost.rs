//! What the operations cost, as the server itself counts it.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig};
use gocore_etcd_tests::{Metrics, Server, eventually};

const TTL: Duration = Duration::from_secs(30);

/// Requests and proposals between two looks at the server's metrics.
struct Bill {
    before: Metrics,
}

impl Bill {
    async fn open(server: &Server) -> Bill {
        Bill { before: server.metrics().await }
    }

    /// (requests, proposals)
    async fn close(self, server: &Server) -> (u64, u64) {
        let after = server.metrics().await;
        let all = |metrics: &Metrics| metrics.requests().values().sum::<u64>();
        (all(&after) - all(&self.before), after.proposals() - self.before.proposals())
    }
}

async fn warm(server: &Server) -> Client {
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let lock = client.lock("warm", TTL).await.expect("lock");
    // Held long enough for its key to be watched: the watch stream is open from now on.
    eventually(Duration::from_secs(5), "watched", async || (server.metrics().await.watchers() >= 2).then_some(()))
        .await;
    lock.unlock().await.expect("unlock");
    client
}

#[tokio::test]
async fn a_warm_lock_and_unlock_cost_two_requests_and_two_proposals() {
    let server = Server::plain().await;
    let client = warm(&server).await;
    let bill = Bill::open(&server).await;
    for _ in 0..10 {
        client.lock("k", TTL).await.expect("lock").unlock().await.expect("unlock");
    }
    assert_eq!(bill.close(&server).await, (20, 20));
}

#[tokio::test]
async fn try_lock_of_a_held_lock_costs_one_request_and_no_proposal_and_of_a_free_one_two_and_one() {
    let server = Server::plain().await;
    let (client, other) = (warm(&server).await, warm(&server).await);
    let held = client.lock("k", TTL).await.expect("lock");
    let bill = Bill::open(&server).await;
    for _ in 0..10 {
        assert!(other.try_lock("k", TTL).await.expect("try").is_none());
    }
    assert_eq!(bill.close(&server).await, (10, 0));
    held.unlock().await.expect("unlock");
    let bill = Bill::open(&server).await;
    let lock = other.try_lock("k", TTL).await.expect("try").expect("free");
    assert_eq!(bill.close(&server).await, (2, 1));
    drop(lock);
}

#[tokio::test]
async fn a_waiter_costs_nothing_and_a_hand_over_one_delete_and_one_read_however_many_wait() {
    const WAITERS: u64 = 8;
    let server = Server::plain().await;
    let client = warm(&server).await;
    let held = client.lock("k", TTL).await.expect("lock");
    let (turn, mut turns) = tokio::sync::mpsc::channel(16);
    for n in 0..WAITERS {
        let (client, turn) = (client.clone(), turn.clone());
        tokio::spawn(async move { turn.send(client.lock("k", TTL).await).await });
        // Each watches its predecessor; the owner's key and the record are watched too.
        let watched = n + 3;
        let watching = async || (server.metrics().await.watchers() >= watched).then_some(());
        eventually(Duration::from_secs(5), "the waiter watches", watching).await;
    }
    let bill = Bill::open(&server).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bill.close(&server).await, (0, 0), "nobody sends anything while waiting");

    let bill = Bill::open(&server).await;
    held.unlock().await.expect("unlock");
    let next = turns.recv().await.expect("one is woken").expect("lock");
    assert_eq!(bill.close(&server).await, (2, 1), "the delete, and one read by one waiter");
    assert!(next.is_held() && turns.is_empty());
}
