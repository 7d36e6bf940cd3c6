//! What a user sees of a leadership in calm.

use std::time::Duration;

use gocore_etcd_core::election::DEFAULT_ELECTION_TTL;
use gocore_etcd_core::{Error, ErrorKind, Leadership, Op, Range, Txn};
use gocore_etcd_tests::Server;
use gocore_etcd_tests::story::granted;
use tokio::time::timeout;

use crate::story::{SOON, TTL, campaigning, candidates, client_of, outcome, put, seen_pair, until_candidates};

#[tokio::test]
async fn a_leader_leads_until_it_resigns() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let leadership = client.campaign("/leader/scheduler/", "me", TTL).await.expect("campaign");
    assert_eq!(leadership.key(), "/go-core/elections/leader/scheduler");
    assert_eq!(&*leadership.identity(), "me");
    assert!(leadership.is_leader() && leadership.token() > 0);
    let leader = client.leader("leader/scheduler").await.expect("leader").expect("one");
    assert_eq!((leader.identity.as_str(), leader.token), ("me", leadership.token()));
    assert_eq!(leader.revision, leader.token);
    assert_eq!(leadership.leader().await.expect("leader"), Some(leader));
    leadership.resign().await.expect("resign");
    assert!(!leadership.is_leader());
    assert_eq!(client.leader("leader/scheduler").await.expect("leader"), None);
    leadership.resign().await.expect("a second call gives the result of the first");
    timeout(SOON, leadership.lost()).await.expect("what is given back is led no longer");
    assert!(!timeout(SOON, leadership.loss()).await.expect("over"), "given back, not lost");
    client.close().await.expect("close");
}

#[tokio::test]
async fn a_candidate_that_names_no_ttl_has_15_s() {
    let server = Server::plain().await;
    let (client, etcd) = (client_of(&server).await, server.client().await);
    let _leadership = client.campaign("k", "me", Duration::ZERO).await.expect("campaign");
    let _candidacy = client.candidacy("background", "me", Duration::ZERO).expect("candidacy");
    until_candidates(&etcd, "background", 1).await;
    for key in ["k", "background"] {
        assert_eq!(granted(&etcd, &format!("/go-core/elections/{key}/")).await, Duration::from_secs(15));
    }
    assert_eq!(DEFAULT_ELECTION_TTL, Duration::from_secs(15));
}

#[tokio::test]
async fn candidates_of_one_client_and_of_others_lead_in_order_of_arrival_with_growing_tokens() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let mut leadership = ours.campaign("k", "0", TTL).await.expect("campaign");
    let mut queue = Vec::new();
    for n in 1..=6usize {
        queue.push(campaigning(if n % 3 == 0 { &other } else { &ours }, "k", &n.to_string(), TTL));
        until_candidates(&etcd, "k", n + 1).await;
    }
    for (n, candidate) in queue.into_iter().enumerate() {
        let before = leadership.token();
        leadership.resign().await.expect("resign");
        leadership = outcome(candidate).await.expect("its turn");
        assert!(leadership.is_leader() && leadership.token() > before);
        assert_eq!(*leadership.identity(), *(n + 1).to_string());
        let leader = other.leader("k").await.expect("leader").expect("one");
        assert_eq!((leader.token, &*leader.identity), (leadership.token(), &*leadership.identity()));
    }
}

#[tokio::test]
async fn a_longer_name_is_another_election() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let longer = client.campaign("jobs/1", "longer", TTL).await.expect("campaign");
    assert_eq!(client.leader("jobs").await.expect("leader"), None);
    let shorter = timeout(SOON, client.campaign("jobs", "shorter", TTL)).await.expect("does not wait").expect("leads");
    assert!(longer.is_leader() && shorter.is_leader());
    // The oldest key below `jobs/` is one of `jobs/1`.
    assert_eq!(client.leader("jobs").await.expect("leader").expect("one").identity, "shorter");
}

#[tokio::test]
async fn who_only_tries_leads_where_nobody_does_and_costs_nobody_anything_where_somebody_does() {
    let server = Server::plain().await;
    let (client, etcd) = (client_of(&server).await, server.client().await);
    let leadership = client.try_campaign("k", "first", TTL).await.expect("tries").expect("nobody leads");
    assert!(leadership.is_leader());
    assert_eq!(client.leader("k").await.expect("leader").expect("one").identity, "first");
    let before = server.metrics().await;
    assert!(client.try_campaign("k", "second", TTL).await.expect("tries").is_none());
    let cost = server.metrics().await;
    assert_eq!(cost.proposals() - before.proposals(), 0, "it only read");
    assert_eq!(candidates(&etcd, "k").await.len(), 1);
    leadership.resign().await.expect("resign");
    let second = client.try_campaign("k", "second", TTL).await.expect("tries").expect("nobody leads");
    assert!(second.token() > leadership.token());
    let blank = client.try_campaign("k", " ", TTL).await.expect_err("no identity");
    assert_eq!(blank.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn a_dropped_leadership_is_resigned_in_the_background() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    drop(client.campaign("k", "first", TTL).await.expect("campaign"));
    let next = timeout(SOON, client.campaign("k", "second", TTL)).await.expect("resigned").expect("leads");
    assert!(next.is_leader());
}

#[tokio::test]
async fn a_guarded_write_of_an_earlier_leader_is_refused() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let first = client.campaign("k", "first", TTL).await.expect("campaign");
    first.put("/data", "first").await.expect("leads");
    first.resign().await.expect("resign");
    let second = client.campaign("k", "second", TTL).await.expect("campaign");
    second.put("/data", "second").await.expect("leads");
    let stale = client.kv().commit(Txn::new().guarded_by(&first).then(Op::put("/data", "stale"))).await;
    assert_eq!(stale.expect_err("refused by etcd").kind(), ErrorKind::Lost);
    assert_eq!(first.put("/data", "stale").await.expect_err("refused here").kind(), ErrorKind::Lost);
    assert_eq!(first.proclaim("stale").await.expect_err("refused here").kind(), ErrorKind::Lost);
    assert_eq!(client.kv().get("/data").await.expect("get").expect("there").value, b"second");
    assert_eq!(client.leader("k").await.expect("leader").expect("one").identity, "second");
}

#[tokio::test]
async fn a_proclamation_is_seen_with_the_same_token_and_keeps_the_key_under_its_lease() {
    let server = Server::plain().await;
    let (client, etcd) = (client_of(&server).await, server.client().await);
    let leadership = client.campaign("k", "first", TTL).await.expect("campaign");
    let mut observation = leadership.observe().expect("observe");
    assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), "first".to_owned())));
    for identity in ["second", "third", "third"] {
        leadership.proclaim(identity).await.expect("proclaim");
        assert_eq!(&*leadership.identity(), identity);
        assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), identity.to_owned())));
        let leader = client.leader("k").await.expect("leader").expect("one");
        assert_eq!((leader.identity.as_str(), leader.token), (identity, leadership.token()));
        assert!(leader.revision > leader.token);
    }
    let key = candidates(&etcd, "k").await.swap_remove(0);
    let found = etcd.kv_client().get(key, None).await.expect("get");
    assert_ne!(found.kvs()[0].lease(), 0);
    assert!(leadership.is_leader());
    leadership.resign().await.expect("resign");
    assert_eq!(seen_pair(&mut observation).await, None);
}

#[tokio::test]
async fn a_proclamation_over_what_somebody_else_wrote_is_settled_and_takes_the_key_back_under_the_lease() {
    let server = Server::plain().await;
    let (client, etcd) = (client_of(&server).await, server.client().await);
    let leadership = client.campaign("k", "first", TTL).await.expect("campaign");
    let key = candidates(&etcd, "k").await.swap_remove(0);
    put(&etcd, key.as_str(), "by hand", 0).await;
    assert!(leadership.is_leader(), "the same incarnation");
    leadership.proclaim("second").await.expect("proclaim");
    let found = etcd.kv_client().get(key, None).await.expect("get");
    assert_eq!(found.kvs()[0].value(), b"second");
    assert_ne!(found.kvs()[0].lease(), 0);
    leadership.resign().await.expect("resign");
}

#[tokio::test]
async fn an_identity_of_any_text_comes_through() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let all: String = ('\u{1}'..=char::MAX).step_by(97).collect();
    let big = "ä".repeat(512 << 10);
    for identity in [" a ", "line\nline\r\n", "\u{1}\u{7f}\u{fffd}\u{feff}", "{\"json\": [1]}", &all, &big] {
        let leadership = client.campaign("k", identity, TTL).await.expect("campaign");
        assert_eq!(client.leader("k").await.expect("leader").expect("one").identity, identity);
        let mut observation = client.observe("k").expect("observe");
        assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), identity.to_owned())));
        leadership.proclaim("short").await.expect("proclaim");
        leadership.proclaim(identity).await.expect("proclaim");
        assert_eq!(&*leadership.identity(), identity);
        leadership.resign().await.expect("resign");
    }
}

#[tokio::test]
async fn an_identity_that_is_no_text_is_malformed_and_names_the_key() {
    let server = Server::plain().await;
    let (client, etcd) = (client_of(&server).await, server.client().await);
    put(&etcd, "/go-core/elections/k/x", b"\xff\xfe".as_slice(), 0).await;
    let error = client.leader("k").await.expect_err("no text");
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert_eq!(error.key(), Some("/go-core/elections/k/x"), "{error}");
    let waiting = campaigning(&client, "k", "me", TTL);
    until_candidates(&etcd, "k", 2).await;
    assert!(!waiting.is_finished(), "whatever it says, it leads");
    etcd.kv_client().delete("/go-core/elections/k/x", None).await.expect("delete");
    assert!(outcome(waiting).await.expect("its turn").is_leader());
}

#[tokio::test]
async fn close_resigns_and_every_call_says_closed() {
    let server = Server::plain().await;
    let (client, other) = (client_of(&server).await, client_of(&server).await);
    let leadership = client.campaign("k", "me", TTL).await.expect("campaign");
    let waiting = campaigning(&client, "k", "next", TTL);
    let mut observation = client.observe("k").expect("observe");
    seen_pair(&mut observation).await.expect("a leader");
    until_candidates(&server.client().await, "k", 2).await;
    client.close().await.expect("close");
    assert!(!leadership.is_leader());
    assert_eq!(outcome(waiting).await.expect_err("closed").kind(), ErrorKind::Closed);
    assert_eq!(other.kv().list(Range::prefix("/go-core/")).await.expect("list").kvs, vec![], "nothing is left");

    let closed = |error: Error| assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    closed(client.campaign("k", "me", TTL).await.expect_err("campaign"));
    closed(client.candidacy("k", "me", TTL).expect_err("candidacy"));
    closed(client.leader("k").await.expect_err("leader"));
    closed(client.observe("k").expect_err("observe"));
    closed(observation.next().await.expect_err("next"));
    closed(leadership.resign().await.expect_err("resign"));
    closed(leadership.proclaim("x").await.expect_err("proclaim"));
    closed(leadership.put("k", "v").await.expect_err("put"));
    closed(leadership.leader().await.expect_err("leader"));
    closed(leadership.observe().expect_err("observe"));
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    // Status is the look at the server's version, in the background after connecting.
    let sent =
        async || server.metrics().await.requests().into_iter().filter(|(method, _)| method != "Status").collect();
    let before: Vec<(String, u64)> = sent().await;
    let refused = |error: Error, argument: &str| {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(&format!("{argument}: ")), "{error}");
    };
    for key in ["", "/", " ", "a\0b", &"x".repeat(1025)] {
        refused(client.campaign(key, "me", TTL).await.expect_err("key"), "key");
        refused(client.candidacy(key, "me", TTL).expect_err("key"), "key");
        refused(client.leader(key).await.expect_err("key"), "key");
        refused(client.observe(key).expect_err("key"), "key");
    }
    let too_long = "x".repeat((1 << 20) + 1);
    for identity in ["", " \n", "a\0b", &too_long] {
        refused(client.campaign("k", identity, TTL).await.expect_err("identity"), "identity");
        refused(client.candidacy("k", identity, TTL).expect_err("identity"), "identity");
        let run = client.run_as_leader("k", identity, TTL, async |_| std::ops::ControlFlow::Break(()));
        refused(run.await.expect_err("identity"), "identity");
    }
    refused(client.campaign("k", "me", Duration::MAX).await.expect_err("ttl"), "ttl");
    assert_eq!(sent().await, before, "nothing was sent");
    let leadership: Leadership = client.campaign("k", "me", TTL).await.expect("campaign");
    refused(leadership.proclaim(" ").await.expect_err("identity"), "identity");
}
