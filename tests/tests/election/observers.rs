//! What observers see: everything in order, "no leader" included, whatever else lies there.

use std::time::Duration;

use gocore_etcd_core::{Client, ErrorKind, Op, Txn};
use gocore_etcd_tests::history::{History, Pair};
use gocore_etcd_tests::{Proxy, Server};
use serde_json::json;
use tokio::time::{Instant, timeout};

use crate::story::{
    SOON, TTL, agent, campaigning, candidates, client, client_of, outcome, put, seen, seen_pair, until_candidates,
};

/// The longest pause between two attempts of a watch, or of a probe, to reach etcd.
const BACK_OFF: Duration = Duration::from_secs(2);
/// What a busy machine may make of it.
const SLACK: Duration = Duration::from_secs(2);

/// Leads and resigns a few times, proclaiming in between; then nobody leads.
async fn turns(client: &Client, turns: usize) {
    for turn in 0..turns {
        let leadership = client.campaign("k", &format!("turn {turn}"), TTL).await.expect("campaign");
        leadership.proclaim(&format!("turn {turn} again")).await.expect("proclaim");
        leadership.resign().await.expect("resign");
    }
}

async fn history(etcd: &etcd_client::Client) -> History {
    History::replay(etcd, "/go-core/elections/k/", "/journal").await
}

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
    let lease = etcd.lease_client().grant(5, None).await.expect("grant").id();
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

#[tokio::test]
async fn observers_in_any_process_see_the_same_sequence() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let mut observations = Vec::new();
    for n in 0..6 {
        let mut observation = if n % 2 == 0 { &ours } else { &other }.observe("k").expect("observe");
        assert_eq!(seen(&mut observation).await, None);
        observations.push(observation);
    }
    let mut process = agent("/go-core", &[server.endpoint()]).await;
    process.send(&json!({"do": "observe", "key": "k"})).expect("sent");
    process.expect("observed", SOON).await;
    // Candidates that overlap, of two clients.
    tokio::join!(turns(&ours, 20), turns(&ours, 20), turns(&other, 20));
    let history = history(&etcd).await;
    assert!(history.led.len() > 120);
    for mut observation in observations {
        let mut pairs: Vec<Pair> = vec![None];
        while pairs.len() < history.led.len() {
            pairs.push(seen_pair(&mut observation).await);
        }
        assert_eq!(pairs, history.led);
    }
    for led in &history.led[1..] {
        let body = process.expect("observed", SOON).await.body;
        let pair = body["token"].as_i64().map(|token| (token, body["identity"].as_str().expect("text").to_owned()));
        assert_eq!(pair, *led);
    }
}

#[tokio::test]
async fn an_observer_that_was_cut_off_sees_all_it_has_missed_and_after_a_compaction_what_is() {
    let mut server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (ours, observer) = (client_of(&server).await, client([proxy.endpoint()]).await);
    let mut observation = observer.observe("k").expect("observe");
    let mut pairs = vec![seen_pair(&mut observation).await];
    proxy.cut();
    turns(&ours, 3).await;
    proxy.pass();
    let led = history(&server.client().await).await.led;
    while pairs.len() < led.len() {
        pairs.push(seen_pair(&mut observation).await);
    }
    assert_eq!(pairs, led, "without a gap");

    proxy.black_hole();
    turns(&ours, 3).await;
    let last = ours.campaign("k", "last", TTL).await.expect("campaign");
    let revision = ours.kv().put("/noise", "").await.expect("put");
    server.client().await.compact(revision, None).await.expect("compact");
    proxy.drop_connections();
    proxy.pass();
    assert_eq!(seen_pair(&mut observation).await, Some((last.token(), "last".to_owned())));

    server.restart().await;
    last.proclaim("last again").await.expect("proclaim");
    assert_eq!(seen_pair(&mut observation).await, Some((last.token(), "last again".to_owned())), "the same is no news");
    last.resign().await.expect("resign");
    assert_eq!(seen(&mut observation).await, None);
}

#[tokio::test]
async fn an_observer_that_sleeps_sees_nothing_that_never_was_and_what_is_in_the_end() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let mut observation = ours.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);
    put(&etcd, "/go-core/elections/k/first", "first", 0).await;
    let mut pairs: Vec<Pair> = vec![None, seen_pair(&mut observation).await];
    // From now on there always is a leader; and what it wrote last is among the last that the sleeper hears of.
    put(&etcd, "/go-core/elections/k/second", "second", 0).await;
    // More than is kept for it: of each key the newest.
    let mut last = "first".to_owned();
    for n in 0..60 {
        // Candidates come and go out of order, among changes of others.
        for change in [
            Op::put(format!("/go-core/elections/k/{}", n % 7), format!("{n}")),
            Op::delete(format!("/go-core/elections/k/{}", (n * 3) % 7)),
        ] {
            ours.kv().commit(Txn::new().then(change)).await.expect("commit");
        }
        put(&etcd, "/go-core/elections/k/second", format!("second {n}"), 0).await;
        let noise = (0..100).map(|key| Op::put(format!("/go-core/elections/k/noise/{key}"), n.to_string()));
        ours.kv().commit(noise.fold(Txn::new(), Txn::then)).await.expect("commit");
        ours.kv().commit(Txn::new().then(Op::delete(format!("/go-core/elections/k/{last}")))).await.expect("commit");
        last = format!("x{n}");
        put(&etcd, format!("/go-core/elections/k/{last}"), last.as_str(), 0).await;
    }
    put(&etcd, "/go-core/elections/k/end", "end", 0).await;
    for key in candidates(&etcd, "k").await.into_iter().filter(|key| !key.contains("noise") && !key.ends_with("/end")) {
        etcd.kv_client().delete(key, None).await.expect("delete");
    }
    let history = history(&etcd).await;
    while pairs.last() != history.led.last() {
        pairs.push(seen_pair(&mut observation).await);
    }
    let missed = history.judge("the sleeper", &pairs);
    assert!(missed > 0, "it was slow enough to tell");
}

#[tokio::test]
async fn an_observer_that_was_away_knows_what_is_within_the_reconnect_back_off() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (ours, observer) = (client_of(&server).await, client([proxy.endpoint()]).await);
    let mut observation = observer.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);
    // Long enough for the pauses between two attempts to grow to the longest.
    for (n, away) in
        [Duration::from_millis(300), Duration::from_secs(2), Duration::from_secs(11)].into_iter().enumerate()
    {
        for fault in ["refused", "unanswered"] {
            if fault == "refused" {
                proxy.cut();
            } else {
                proxy.black_hole();
                proxy.drop_connections();
            }
            let leadership = ours.campaign("k", &format!("{fault} {n}"), TTL).await.expect("campaign");
            tokio::time::sleep(away).await;
            proxy.pass();
            let whole = Instant::now();
            assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), format!("{fault} {n}"))));
            let took = whole.elapsed();
            println!("{fault} for {away:?}: known after {took:?}");
            assert!(took < BACK_OFF + SLACK, "{fault} for {away:?}: known after {took:?}");
            leadership.resign().await.expect("resign");
            assert_eq!(seen(&mut observation).await, None);
        }
    }
}
