//! Campaigning in the background: the states that are told, and what becomes of a candidacy that loses.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use gocore_etcd_core::bridge::Standing;
use gocore_etcd_core::{CandidacyState, ErrorKind};
use gocore_etcd_tests::{Proxy, Server, eventually};
use tokio::time::timeout;

use crate::story::{SOON, TTL, candidates, client, client_of, put, state, until_candidates, until_leading};

const WAITING: CandidacyState = CandidacyState::Waiting { place: None };

#[tokio::test]
async fn a_candidacy_waits_with_its_place_leads_and_resigns() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let leader = other.campaign("k", "leader", TTL).await.expect("campaign");
    let before = other.candidacy("k", "before", TTL).expect("candidacy");
    until_candidates(&etcd, "k", 2).await;
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    assert_eq!(candidacy.key(), "/go-core/elections/k");
    assert_eq!(state(&mut candidacy).await, WAITING);
    assert_eq!(state(&mut candidacy).await, CandidacyState::Waiting { place: Some(2) });
    assert!(!candidacy.is_leader() && candidacy.leadership().is_none());
    before.resign().await.expect("resign");
    assert_eq!(state(&mut candidacy).await, CandidacyState::Waiting { place: Some(1) });
    leader.resign().await.expect("resign");
    let CandidacyState::Leading { token } = state(&mut candidacy).await else { panic!("its turn") };
    let leadership = candidacy.leadership().expect("leading");
    assert!(candidacy.is_leader() && token == leadership.token() && token > leader.token());
    leadership.put("/data", "mine").await.expect("leads");
    candidacy.resign().await.expect("resign");
    assert!(!candidacy.is_leader() && !leadership.is_leader() && candidacy.leadership().is_none());
    assert_eq!(candidates(&etcd, "k").await, Vec::<String>::new());
    assert_eq!(state(&mut candidacy).await, CandidacyState::Resigned);
    assert_eq!(candidacy.changed().await.expect_err("nothing comes after").kind(), ErrorKind::Closed);
    candidacy.resign().await.expect("idempotent");
}

#[tokio::test]
async fn a_candidacy_that_is_resigned_or_dropped_while_it_waits_leaves_the_queue() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let leader = ours.campaign("k", "leader", TTL).await.expect("campaign");
    let mut resigned = ours.candidacy("k", "resigned", TTL).expect("candidacy");
    let dropped = ours.candidacy("k", "dropped", TTL).expect("candidacy");
    until_candidates(&etcd, "k", 3).await;
    resigned.resign().await.expect("resign");
    drop(dropped);
    until_candidates(&etcd, "k", 1).await;
    while state(&mut resigned).await != CandidacyState::Resigned {}
    drop(ours.candidacy("k", "at once", TTL).expect("candidacy"));
    leader.resign().await.expect("resign");
    until_candidates(&etcd, "k", 0).await;
}

#[tokio::test]
async fn a_leader_of_a_dropped_candidacy_resigns_unless_somebody_has_its_leadership() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    until_leading(&mut candidacy).await;
    let leadership = candidacy.leadership().expect("leading");
    drop(candidacy);
    leadership.put("/data", "mine").await.expect("leads on");
    drop(leadership);
    until_candidates(&etcd, "k", 0).await;
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    until_leading(&mut candidacy).await;
    drop(candidacy);
    until_candidates(&etcd, "k", 0).await;
}

#[tokio::test]
async fn resigning_the_leadership_of_a_candidacy_ends_it() {
    let server = Server::plain().await;
    let ours = client_of(&server).await;
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    until_leading(&mut candidacy).await;
    candidacy.leadership().expect("leading").resign().await.expect("resign");
    assert_eq!(candidacy.state(), CandidacyState::Resigned, "at once");
    assert_eq!(state(&mut candidacy).await, CandidacyState::Resigned);
}

#[tokio::test]
async fn a_candidacy_whose_leadership_is_taken_away_says_lost_and_queues_again() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    let first = until_leading(&mut candidacy).await;
    let next = other.candidacy("k", "next", TTL).expect("candidacy");
    until_candidates(&etcd, "k", 2).await;
    let leader = candidates(&etcd, "k").await.swap_remove(0);
    let mut kv = etcd.kv_client();
    // Beside each other: whoever looks late finds it queued again.
    let (lost, deleted) = tokio::join!(state(&mut candidacy), kv.delete(leader, None));
    deleted.expect("delete");
    assert_eq!(lost, CandidacyState::Lost);
    assert_eq!(state(&mut candidacy).await, CandidacyState::Waiting { place: Some(1) }, "at the end of the queue");
    next.resign().await.expect("resign");
    let CandidacyState::Leading { token } = state(&mut candidacy).await else { panic!("its turn") };
    assert!(token > first);
}

#[tokio::test]
async fn a_candidacy_whose_place_is_taken_away_says_lost_and_queues_again() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    put(&etcd, "/go-core/elections/k/x", "leader", 0).await;
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    while state(&mut candidacy).await != (CandidacyState::Waiting { place: Some(1) }) {}
    let place = candidates(&etcd, "k").await.swap_remove(1);
    etcd.kv_client().delete(place, None).await.expect("delete");
    // It looks when its turn seems to come.
    let mut kv = etcd.kv_client();
    let (lost, deleted) = tokio::join!(state(&mut candidacy), kv.delete("/go-core/elections/k/x", None));
    deleted.expect("delete");
    assert_eq!(lost, CandidacyState::Lost);
    until_leading(&mut candidacy).await;
}

#[tokio::test]
async fn a_candidacy_that_is_cut_off_says_lost_within_its_ttl_and_leads_again_when_etcd_is_back() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let ours = client([proxy.endpoint()]).await;
    let mut candidacy = ours.candidacy("k", "me", Duration::from_secs(2)).expect("candidacy");
    let first = until_leading(&mut candidacy).await;
    proxy.cut();
    assert_eq!(state(&mut candidacy).await, CandidacyState::Lost);
    assert!(!candidacy.is_leader());
    proxy.pass();
    assert!(until_leading(&mut candidacy).await > first);
}

#[tokio::test]
async fn a_candidacy_begun_while_etcd_is_away_leads_when_it_is_back_and_resigns_at_once_before() {
    let mut server = Server::plain().await;
    let ours = client_of(&server).await;
    server.kill();
    let mut candidacy = ours.candidacy("k", "me", TTL).expect("candidacy");
    let resigned = ours.candidacy("k", "resigned", TTL).expect("candidacy");
    assert_eq!(state(&mut candidacy).await, WAITING);
    timeout(Duration::from_secs(2), resigned.resign()).await.expect("needs nobody").expect("resign");
    server.restart().await;
    until_leading(&mut candidacy).await;
    assert_eq!(ours.leader("k").await.expect("leader").expect("one").identity, "me");
}

#[tokio::test]
async fn closing_the_client_ends_a_candidacy_and_says_so() {
    let server = Server::plain().await;
    let (ours, other) = (client_of(&server).await, client_of(&server).await);
    let mut leading = ours.candidacy("k", "me", TTL).expect("candidacy");
    until_leading(&mut leading).await;
    let mut waiting = ours.candidacy("k", "next", TTL).expect("candidacy");
    until_candidates(&server.client().await, "k", 2).await;
    ours.close().await.expect("close");
    for candidacy in [&mut leading, &mut waiting] {
        assert!(!candidacy.is_leader());
        while state(candidacy).await != CandidacyState::Resigned {}
        assert_eq!(candidacy.changed().await.expect_err("ended").kind(), ErrorKind::Closed);
    }
    let nobody = async || other.leader("k").await.expect("leader").is_none().then_some(());
    eventually(SOON, "everything was given back", nobody).await;
}

#[tokio::test]
async fn a_leadership_that_is_given_back_is_resigned_and_not_lost_also_before_that_is_told() {
    let server = Server::plain().await;
    let candidacy = client_of(&server).await.candidacy("k", "me", TTL).expect("candidacy");
    let (standing, stands) = Standing::of(candidacy);
    let stands = tokio::spawn(stands);
    let leadership = eventually(SOON, "it leads", async || standing.leadership()).await;
    // On a single thread nobody else runs meanwhile.
    let mut resigning = pin!(leadership.resign());
    assert!(resigning.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(standing.state(), CandidacyState::Resigned);
    resigning.await.expect("resign");
    assert_eq!(standing.state(), CandidacyState::Resigned);
    drop(standing);
    stands.await.expect("no panic").expect("ended");
}
