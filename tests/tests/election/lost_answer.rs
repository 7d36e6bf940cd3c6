//! Requests whose answer is lost, or that come late: in the end nothing is left of them, and nothing newer suffers.

use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, ErrorKind, Leadership};
use gocore_etcd_tests::{Proxy, Server, eventually};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::story::{SOON, TTL, campaigning, candidates, client_of, outcome, until_candidates};

/// Short, so that an answer counts as lost soon.
const REQUEST: Duration = Duration::from_secs(4);

async fn impatient(proxies: &[&Proxy]) -> Client {
    let endpoints = proxies.iter().map(|proxy| proxy.endpoint());
    Client::connect(ClientConfig::new(endpoints).request_timeout(REQUEST)).await.expect("connect")
}

/// A leader behind a proxy; others on a healthy path.
struct Behind {
    _server: Server,
    proxy: Proxy,
    ours: Client,
    leadership: Leadership,
    other: Client,
    etcd: etcd_client::Client,
}

impl Behind {
    async fn begin() -> Behind {
        let server = Server::plain().await;
        let proxy = Proxy::start(server.address());
        let ours = impatient(&[&proxy]).await;
        let leadership = ours.campaign("k", "first", TTL).await.expect("campaign");
        let (other, etcd) = (client_of(&server).await, server.client().await);
        Behind { _server: server, proxy, ours, leadership, other, etcd }
    }

    async fn leader(&self) -> (String, i64) {
        let leader = self.other.leader("k").await.expect("leader").expect("one");
        (leader.identity, leader.token)
    }

    async fn until_identity(&self, identity: &str) {
        let seen = async || (self.leader().await.0 == identity).then_some(());
        eventually(SOON, "it has arrived", seen).await;
    }
}

#[tokio::test]
async fn a_campaign_whose_answer_is_lost_finds_out_that_it_leads_and_one_that_is_dropped_leaves_no_candidate() {
    let behind = Behind::begin().await;
    let other = behind.other.campaign("other", "leader", TTL).await.expect("campaign");
    behind.proxy.hold_answers();
    let leads = campaigning(&behind.ours, "new", "me", TTL);
    let (waits, leaves) =
        (campaigning(&behind.ours, "other", "waits", TTL), campaigning(&behind.ours, "other", "leaves", TTL));
    until_candidates(&behind.etcd, "new", 1).await;
    until_candidates(&behind.etcd, "other", 3).await;
    sleep(REQUEST).await;
    leaves.abort();
    behind.proxy.drop_connections();
    behind.proxy.pass();
    let leads = outcome(leads).await.expect("it is ours");
    assert_eq!(behind.other.leader("new").await.expect("leader").expect("one").token, leads.token());
    assert_eq!(candidates(&behind.etcd, "new").await.len(), 1, "one candidate, not a second one");
    until_candidates(&behind.etcd, "other", 2).await;
    other.resign().await.expect("resign");
    assert!(outcome(waits).await.expect("its turn").is_leader());
    assert!(behind.leadership.is_leader(), "the session lives on");
}

#[tokio::test]
async fn a_proclamation_whose_answer_is_lost_is_settled_by_itself_or_by_the_next() {
    let behind = Behind::begin().await;
    behind.proxy.hold_answers();
    let (proclaimed, ()) = tokio::join!(behind.leadership.proclaim("second"), async {
        behind.until_identity("second").await;
        sleep(REQUEST / 8).await;
        behind.proxy.drop_connections();
        behind.proxy.pass();
    });
    proclaimed.expect("settled: it is what was wanted");
    assert_eq!(&*behind.leadership.identity(), "second");

    behind.proxy.hold_answers();
    let error = behind.leadership.proclaim("third").await.expect_err("no answer");
    assert!(error.maybe_applied(), "{error}");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    behind.until_identity("third").await;
    behind.proxy.drop_connections();
    behind.proxy.pass();
    let fourth = async || behind.leadership.proclaim("fourth").await.ok();
    eventually(SOON, "the next proclamation", fourth).await;
    assert_eq!(behind.leader().await, ("fourth".to_owned(), behind.leadership.token()));
    assert!(behind.leadership.is_leader());
}

#[tokio::test]
async fn a_proclamation_that_comes_late_does_not_overwrite_a_newer_one() {
    const LEADERS: usize = 12;
    let server = Server::plain().await;
    let (slow, quick) = (Proxy::start(server.address()), Proxy::start(server.address()));
    let ours = impatient(&[&slow, &quick]).await;
    let other = client_of(&server).await;
    let mut leaders = Vec::new();
    for n in 0..LEADERS {
        leaders.push(Arc::new(ours.campaign(&format!("k{n}"), "first", TTL).await.expect("campaign")));
    }
    let txns = async || server.metrics().await.requests_of("Txn");
    for attempt in 1.. {
        // It is in use.
        let before = slow.traffic().requested;
        let used = async || {
            ours.kv().get("x").await.expect("get");
            (slow.traffic().requested > before).then_some(())
        };
        eventually(SOON, "requests go the slow way", used).await;
        slow.hold_requests();
        // Some of these are held in the slow proxy, which is found out, and a copy goes the other way.
        for identity in ["old", "new"] {
            let mut proclaiming = JoinSet::new();
            for leadership in &leaders {
                let leadership = leadership.clone();
                proclaiming.spawn(async move { leadership.proclaim(identity).await });
            }
            for proclaimed in proclaiming.join_all().await {
                proclaimed.expect("by the other way");
            }
        }
        let arrived = txns().await;
        slow.pass();
        let late = async || {
            while txns().await <= arrived {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(Duration::from_secs(3), late()).await.is_ok() {
            break;
        }
        assert!(attempt < 5, "copies come late, unless the slow way was found out before any of them was sent");
    }
    // They are at work already; this comes behind them.
    sleep(Duration::from_millis(300)).await;
    for (n, leadership) in leaders.iter().enumerate() {
        let leader = other.leader(&format!("k{n}")).await.expect("leader").expect("one");
        assert_eq!((leader.identity.as_str(), leader.token), ("new", leadership.token()), "k{n}");
        assert!(leadership.is_leader());
    }
}
