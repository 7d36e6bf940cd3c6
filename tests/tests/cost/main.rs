//! What the operations cost, as the server itself counts it.
//!
//! A test binary of its own: cargo runs it after the others, so that nothing else makes the server slow. A request that
//! stays silent for a second is sent to a second place, and that is one more; so each bill may be written anew.

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
        // Status is the look at the server's version, in the background after connecting.
        let all = |metrics: &Metrics| {
            metrics.requests().iter().filter(|(method, _)| *method != "Status").map(|(_, count)| count).sum::<u64>()
        };
        (all(&after) - all(&self.before), after.proposals() - self.before.proposals())
    }
}

/// The least of three bills: noise only adds.
async fn least(server: &Server, mut what: impl AsyncFnMut()) -> (u64, u64) {
    let mut bills = Vec::new();
    for _ in 0..3 {
        let bill = Bill::open(server).await;
        what().await;
        bills.push(bill.close(server).await);
    }
    bills.into_iter().min().expect("three")
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
    let bill = least(&server, async || {
        for _ in 0..10 {
            client.lock("k", TTL).await.expect("lock").unlock().await.expect("unlock");
        }
    });
    assert_eq!(bill.await, (20, 20));
}

#[tokio::test]
async fn try_lock_of_a_held_lock_costs_one_request_and_no_proposal_and_of_a_free_one_two_and_one() {
    let server = Server::plain().await;
    let (client, other) = (warm(&server).await, warm(&server).await);
    let held = client.lock("k", TTL).await.expect("lock");
    let bill = least(&server, async || {
        for _ in 0..10 {
            assert!(other.try_lock("k", TTL).await.expect("try").is_none());
        }
    });
    assert_eq!(bill.await, (10, 0));
    held.unlock().await.expect("unlock");

    let mut names = (0..).map(|n| format!("free{n}"));
    let mut taken = Vec::new();
    let bill = least(&server, async || {
        let name = names.next().expect("endless");
        taken.push(other.try_lock(&name, TTL).await.expect("try").expect("free"));
    });
    assert_eq!(bill.await, (2, 1));
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
    // A sleep, because nothing is to happen.
    let bill = least(&server, async || tokio::time::sleep(Duration::from_millis(300)).await);
    assert_eq!(bill.await, (0, 0), "nobody sends anything while waiting");

    let mut owner = held;
    let bill = least(&server, async || {
        owner.unlock().await.expect("unlock");
        owner = turns.recv().await.expect("one is woken").expect("lock");
        assert!(owner.is_held() && turns.is_empty());
    });
    assert_eq!(bill.await, (2, 1), "the delete, and one read by one waiter");
}
