//! Dropped at any await, whatever it had begun: no candidate is left, and others lead.

use gocore_etcd_core::Client;
use gocore_etcd_tests::Server;
use gocore_etcd_tests::story::{AWHILE, dropped_at_every_await, polled};

use crate::story::{TTL, candidates, client_of, seen, until_candidates, until_leading};

#[tokio::test]
async fn a_campaign_dropped_at_any_await_leaves_no_candidate_in_a_warm_session_and_in_a_cold_one() {
    let server = Server::plain().await;
    let (etcd, warm) = (server.client().await, client_of(&server).await);
    let nobody_is_left = async || until_candidates(&etcd, "k", 0).await;
    let campaign = async |client: Client| client.campaign("k", "me", TTL).await.expect("campaign");
    let cold = async || client_of(&server).await;
    drop(dropped_at_every_await("cold campaign", cold, campaign, nobody_is_left).await);
    nobody_is_left().await;
    let _neighbour = warm.campaign("neighbour", "me", TTL).await.expect("campaign");
    drop(dropped_at_every_await("warm campaign", async || warm.clone(), campaign, nobody_is_left).await);
    nobody_is_left().await;
}

#[tokio::test]
async fn a_waiting_campaign_dropped_at_any_await_leaves_the_queue_as_it_was() {
    let server = Server::plain().await;
    let (other, etcd, warm) = (client_of(&server).await, server.client().await, client_of(&server).await);
    let leader = other.campaign("k", "leader", TTL).await.expect("campaign");
    let _neighbour = warm.campaign("neighbour", "me", TTL).await.expect("campaign");
    for polls in 0..8 {
        assert!(polled(warm.campaign("k", "me", TTL), polls, AWHILE).await.is_none(), "another leads");
        let mut candidacy = warm.candidacy("k", "me", TTL).expect("candidacy");
        // Its task takes a turn each time that we wait.
        let ended = polled(async { while candidacy.changed().await.is_ok() {} }, polls, AWHILE).await;
        assert_eq!(ended, None, "it waits on");
        drop(candidacy);
        until_candidates(&etcd, "k", 1).await;
    }
    assert!(leader.is_leader());
}

#[tokio::test]
async fn a_resignation_dropped_at_any_await_is_finished_in_the_background() {
    let server = Server::plain().await;
    let (etcd, warm) = (server.client().await, client_of(&server).await);
    for polls in 0..6 {
        let leadership = warm.campaign("k", "me", TTL).await.expect("campaign");
        let resigned = polled(leadership.resign(), polls, AWHILE).await;
        assert!(polls == 0 || !leadership.is_leader(), "from the beginning of the call on it does not lead");
        drop(leadership);
        until_candidates(&etcd, "k", 0).await;
        resigned.unwrap_or(Ok(())).expect("resign");

        let leadership = warm.campaign("k", "me", TTL).await.expect("campaign");
        drop(polled(leadership.resign(), polls, AWHILE).await);
        if polls > 0 {
            // Nobody asks again, and the leadership lives.
            until_candidates(&etcd, "k", 0).await;
        }
        leadership.resign().await.expect("asked again");
        assert_eq!(candidates(&etcd, "k").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_candidacy_whose_resignation_is_dropped_at_any_await_leads_no_longer_and_is_finished_by_dropping_it() {
    let server = Server::plain().await;
    let (etcd, warm) = (server.client().await, client_of(&server).await);
    for polls in 0..6 {
        let mut candidacy = warm.candidacy("k", "me", TTL).expect("candidacy");
        until_leading(&mut candidacy).await;
        let leadership = candidacy.leadership().expect("leading");
        drop(polled(candidacy.resign(), polls, AWHILE).await);
        assert!(polls == 0 || !leadership.is_leader());
        drop((candidacy, leadership));
        until_candidates(&etcd, "k", 0).await;
    }
}

#[tokio::test]
async fn a_proclamation_dropped_at_any_await_is_settled_by_the_next() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let leadership = client.campaign("k", "me", TTL).await.expect("campaign");
    for polls in 0..6 {
        drop(polled(leadership.proclaim(&format!("dropped {polls}")), polls, AWHILE).await);
        leadership.proclaim(&format!("settled {polls}")).await.expect("proclaim");
        let leader = client.leader("k").await.expect("leader").expect("one");
        assert_eq!((leader.identity, leader.token), (format!("settled {polls}"), leadership.token()));
    }
    assert!(leadership.is_leader());
}

#[tokio::test]
async fn an_observation_dropped_while_it_waits_loses_nothing() {
    let server = Server::plain().await;
    let (ours, other) = (client_of(&server).await, client_of(&server).await);
    let mut observation = other.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);
    let mut all = Vec::new();
    for n in 0..10u32 {
        let leadership = ours.campaign("k", &n.to_string(), TTL).await.expect("campaign");
        // Given up again and again.
        all.extend(polled(observation.next(), n % 4, AWHILE / 10).await);
        leadership.resign().await.expect("resign");
        all.extend(polled(observation.next(), n % 3, AWHILE / 10).await);
    }
    while all.len() < 20 {
        all.push(Ok(seen(&mut observation).await));
    }
    let identities = all.into_iter().map(|leader| leader.expect("seen").map(|leader| leader.identity));
    assert!(identities.eq((0..10).flat_map(|n| [Some(n.to_string()), None])));
}
