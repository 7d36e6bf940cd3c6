//! What the operations cost, as the server itself counts it.
//!
//! A test binary of its own: cargo runs it after the others, so that nothing else makes the server slow. A request that
//! stays silent for a second is sent to a second place, and that is one more; so each bill may be written anew.

mod kv;

use std::time::Duration;

use gocore_etcd_core::{CandidacyState, Client, ClientConfig};
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
async fn a_new_session_costs_two_requests_and_two_proposals_besides() {
    let server = Server::plain().await;
    let client = warm(&server).await;
    let mut ttls = (1..).map(|n| TTL + Duration::from_secs(n));
    let bill = least(&server, async || {
        let ttl = ttls.next().expect("endless");
        client.lock("k", ttl).await.expect("lock").unlock().await.expect("unlock");
    });
    assert_eq!(bill.await, (4, 4), "grant and record, lock and unlock");
}

#[tokio::test]
async fn a_held_lock_costs_a_message_each_third_of_its_ttl_and_nothing_else() {
    const TTL: Duration = Duration::from_secs(3);
    const THIRDS: u64 = 6;
    let server = Server::plain().await;
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let lock = client.lock("k", TTL).await.expect("lock");
    let watched = async || (server.metrics().await.watchers() == 2).then_some(());
    eventually(Duration::from_secs(5), "its key and its session's record are watched", watched).await;
    let renewals = async || server.metrics().await.messages_of("LeaseKeepAlive");
    eventually(Duration::from_secs(5), "it is renewed", async || (renewals().await > 0).then_some(())).await;
    let mut least_messages = u64::MAX;
    // A sleep, because nothing else is to happen.
    let bill = least(&server, async || {
        let before = renewals().await;
        tokio::time::sleep(TTL / 3 * THIRDS as u32).await;
        least_messages = least_messages.min(renewals().await - before);
    });
    assert_eq!(bill.await, (0, 0));
    // Jittered by a tenth, and one at the edge.
    assert!((THIRDS - 1..=THIRDS + 1).contains(&least_messages), "{least_messages} messages in {THIRDS} thirds");
    assert!(lock.is_held());
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

#[tokio::test]
async fn a_warm_campaign_and_resign_cost_two_requests_and_two_proposals_and_a_proclamation_one_and_one() {
    let server = Server::plain().await;
    let client = warm(&server).await;
    let bill = least(&server, async || {
        for n in 0..10 {
            let leadership = client.campaign("k", &n.to_string(), TTL).await.expect("campaign");
            leadership.resign().await.expect("resign");
        }
    });
    assert_eq!(bill.await, (20, 20));
    let leadership = client.campaign("k", "me", TTL).await.expect("campaign");
    let bill = least(&server, async || {
        for n in 0..10 {
            leadership.proclaim(&n.to_string()).await.expect("proclaim");
        }
    });
    assert_eq!(bill.await, (10, 10));
    let bill = least(&server, async || {
        for _ in 0..10 {
            assert!(client.leader("k").await.expect("leader").is_some());
            assert!(client.leader("nobody").await.expect("leader").is_none());
        }
    });
    assert_eq!(bill.await, (20, 0), "who leads: one request, no proposal");
}

#[tokio::test]
async fn an_observer_costs_one_read_and_one_watch_and_each_change_one_message() {
    let server = Server::plain().await;
    let (client, other) = (warm(&server).await, warm(&server).await);
    let watchers = server.metrics().await.watchers();
    let mut observations = Vec::new();
    let bill = least(&server, async || {
        let mut observation = client.observe("k").expect("observe");
        assert_eq!(observation.next().await.expect("next"), None);
        observations.push(observation);
    });
    assert_eq!(bill.await, (1, 0), "the read of what there is; the watch is a message on the stream");
    observations.truncate(1);
    let watched = async || (server.metrics().await.watchers() == watchers + 1).then_some(());
    eventually(Duration::from_secs(5), "one watch", watched).await;

    let mut costs = Vec::new();
    for _ in 0..3 {
        let (before, bill) = (server.metrics().await.sent_on("Watch"), Bill::open(&server).await);
        let leadership = other.campaign("k", "me", TTL).await.expect("campaign");
        leadership.proclaim("me again").await.expect("proclaim");
        leadership.resign().await.expect("resign");
        for _ in 0..3 {
            observations[0].next().await.expect("next");
        }
        let (requests, _) = bill.close(&server).await;
        costs.push((server.metrics().await.sent_on("Watch") - before, requests));
    }
    // The leader's own key may be watched in the meantime.
    assert_eq!(costs.into_iter().min(), Some((3, 3)), "coming, proclaiming, going; and the requests of that alone");
}

#[tokio::test]
async fn a_thousand_candidates_cost_nothing_while_they_wait_and_one_resignation_wakes_one() {
    const CANDIDATES: u64 = 1000;
    let server = Server::plain().await;
    let client = warm(&server).await;
    let mut leader = client.campaign("k", "leader", TTL).await.expect("campaign");
    let mut candidacy = client.candidacy("k", "next", TTL).expect("candidacy");
    while candidacy.changed().await.expect("a state") != (CandidacyState::Waiting { place: Some(1) }) {}
    let (turn, mut turns) = tokio::sync::mpsc::channel(16);
    for n in 0..CANDIDATES - 1 {
        let (client, turn) = (client.clone(), turn.clone());
        tokio::spawn(async move { turn.send(client.campaign("k", &n.to_string(), TTL).await).await });
    }
    // Each watches its predecessor; the leader's key and the record are watched too.
    let watching = async || (server.metrics().await.watchers() >= CANDIDATES + 2).then_some(());
    eventually(Duration::from_secs(60), "all wait", watching).await;
    // A sleep, because nothing is to happen.
    let bill = least(&server, async || tokio::time::sleep(Duration::from_millis(300)).await);
    assert_eq!(bill.await, (0, 0), "nobody sends anything while waiting");

    let bill = Bill::open(&server).await;
    leader.resign().await.expect("resign");
    while !candidacy.is_leader() {
        candidacy.changed().await.expect("a state");
    }
    assert_eq!(bill.close(&server).await, (2, 1), "the delete, and one read by one candidate");
    candidacy.resign().await.expect("resign");
    leader = turns.recv().await.expect("one is woken").expect("leads");
    let bill = least(&server, async || {
        leader.resign().await.expect("resign");
        leader = turns.recv().await.expect("one is woken").expect("leads");
        assert!(leader.is_leader() && turns.is_empty());
    });
    assert_eq!(bill.await, (2, 1));
}
