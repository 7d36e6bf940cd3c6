//! What observers see: everything in order, "no leader" included, whatever else lies there.

use std::time::Duration;

use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::Server;
use tokio::time::timeout;

use crate::story::{SOON, TTL, campaigning, client_of, outcome, put, seen, seen_pair, until_candidates};

#[tokio::test]
async fn an_observer_sees_nobody_before_any_candidate_ever_was_then_each_leader_and_nobody_after_the_last() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let mut observation = other.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);
    let first = ours.campaign("k", "first", TTL).await.expect("campaign");
    assert_eq!(seen_pair(&mut observation).await, Some((first.token(), "first".to_owned())));
    let second = campaigning(&ours, "k", "second", TTL);
    until_candidates(&etcd, "k", 2).await;
    first.resign().await.expect("resign");
    let second = outcome(second).await.expect("its turn");
    assert_eq!(seen_pair(&mut observation).await, Some((second.token(), "second".to_owned())));
    let mut late = other.observe("k").expect("observe");
    assert_eq!(seen_pair(&mut late).await, Some((second.token(), "second".to_owned())));
    second.resign().await.expect("resign");
    assert_eq!((seen(&mut observation).await, seen(&mut late).await), (None, None));
    assert!(timeout(Duration::from_millis(100), observation.next()).await.is_err(), "nothing else has happened");
}

#[tokio::test]
async fn an_observer_sees_nobody_after_the_leader_has_expired() {
    let server = Server::plain().await;
    let (other, etcd) = (client_of(&server).await, server.client().await);
    let lease = etcd.lease_client().grant(2, None).await.expect("grant").id();
    put(&etcd, format!("/go-core/elections/k/{lease:x}"), "dies", lease).await;
    let mut observation = other.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await.expect("a leader").identity, "dies");
    assert_eq!(seen(&mut observation).await, None);
}

#[tokio::test]
async fn an_identity_that_is_no_text_is_told_once_and_later_changes_are_seen() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    put(&etcd, "/go-core/elections/k/x", b"\xff".as_slice(), 0).await;
    let mut observation = ours.observe("k").expect("observe");
    let error = timeout(SOON, observation.next()).await.expect("told").expect_err("no text");
    assert_eq!((error.kind(), error.key()), (ErrorKind::Malformed, Some("/go-core/elections/k/x")));
    put(&etcd, "/go-core/elections/k/x", "text", 0).await;
    assert_eq!(seen(&mut observation).await.expect("a leader").identity, "text");
}

#[tokio::test]
async fn keys_of_longer_names_are_not_seen_and_a_candidate_without_a_lease_is_one() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    put(&etcd, "/go-core/elections/k/1/x", "longer", 0).await;
    let mut observation = ours.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);
    put(&etcd, "/go-core/elections/k/2/x", "longer", 0).await;
    put(&etcd, "/go-core/elections/k/x", "without a lease", 0).await;
    assert_eq!(seen(&mut observation).await.expect("a leader").identity, "without a lease");
    // It goes and comes back under its name, behind another.
    let waiting = campaigning(&ours, "k", "ours", TTL);
    until_candidates(&etcd, "k", 4).await;
    etcd.kv_client().delete("/go-core/elections/k/x", None).await.expect("delete");
    put(&etcd, "/go-core/elections/k/x", "again", 0).await;
    let leadership = outcome(waiting).await.expect("its turn");
    assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), "ours".to_owned())));
    leadership.resign().await.expect("resign");
    assert_eq!(seen(&mut observation).await.expect("a leader").identity, "again");
}
