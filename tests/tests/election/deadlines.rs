//! With etcd away nothing hangs: resigning, proclaiming, closing end in their time; whoever waited too long has not won.

use std::time::{Duration, Instant};

use gocore_etcd_core::{CandidacyState, Client, ClientConfig, Error, ErrorKind, Result};
use gocore_etcd_tests::story::deletion;
use gocore_etcd_tests::{Proxy, Server, eventually};
use serde_json::json;
use tokio::time::timeout;

use crate::story::{
    SOON, TTL, agent, campaigning, candidates, client_of, outcome, state, until_candidates, until_leading,
};

const REQUEST: Duration = Duration::from_secs(1);
/// What a busy machine may add to a deadline.
const GRACE: Duration = Duration::from_secs(2);
/// Closing has 5 s; the rest is for a busy machine.
const CLOSE_LIMIT: Duration = Duration::from_secs(9);

/// Whatever a call comes to, it does so in its time.
async fn in_time<T: std::fmt::Debug>(what: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
    let began = Instant::now();
    let ended = timeout(REQUEST + GRACE, call).await.unwrap_or_else(|_| panic!("{what} hangs"));
    println!("{what} ended after {:?}: {ended:?}", began.elapsed());
    ended
}

async fn away(fault: &str, happens: fn(&Proxy, &Server)) {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let config = ClientConfig::new([proxy.endpoint()]).request_timeout(REQUEST);
    let client = Client::connect(config).await.expect("connect");
    let leadership = client.campaign("k", "me", TTL).await.expect("campaign");
    let mut leading = client.candidacy("other", "me", TTL).expect("candidacy");
    until_leading(&mut leading).await;
    let waiting = client.candidacy("k", "next", TTL).expect("candidacy");
    until_candidates(&server.client().await, "k", 2).await;
    happens(&proxy, &server);

    let failed = |error: Error| {
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{fault}: {error}");
    };
    failed(in_time("leader", client.leader("k")).await.expect_err("away"));
    failed(in_time("proclaim", leadership.proclaim("new")).await.expect_err("away"));
    assert!(leadership.is_leader());
    failed(in_time("resign", leadership.resign()).await.expect_err("away"));
    assert!(!leadership.is_leader(), "from the beginning of the call on");
    failed(in_time("a candidacy's resign", leading.resign()).await.expect_err("away"));
    assert_eq!(leading.state(), CandidacyState::Resigned);
    in_time("a waiting candidacy's resign", waiting.resign()).await.expect("nothing to give back");

    let closed = timeout(CLOSE_LIMIT, client.close()).await.unwrap_or_else(|_| panic!("{fault}: close hangs"));
    assert_eq!(closed.expect_err(fault).kind(), ErrorKind::DeadlineExceeded, "{fault}");
    server.thaw();
}

#[tokio::test]
async fn with_etcd_away_resigning_proclaiming_and_closing_end_in_their_time() {
    tokio::join!(
        away("black hole", |proxy, _| proxy.black_hole()),
        away("cut", |proxy, _| proxy.cut()),
        away("frozen", |_, server| server.freeze()),
    );
}

#[tokio::test]
async fn a_resignation_that_failed_is_finished_when_etcd_is_back_whoever_still_has_it() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let config = ClientConfig::new([proxy.endpoint()]).request_timeout(REQUEST);
    let (client, etcd) = (Client::connect(config).await.expect("connect"), server.client().await);
    let asked = client.campaign("asked", "me", TTL).await.expect("campaign");
    let kept = client.campaign("kept", "me", TTL).await.expect("campaign");
    let dropped = client.campaign("dropped", "me", TTL).await.expect("campaign");
    proxy.black_hole();
    let (a, b, c) = tokio::join!(asked.resign(), kept.resign(), dropped.resign());
    assert!(a.is_err() && b.is_err() && c.is_err());
    drop(dropped);
    let again = asked.resign().await.expect_err("etcd is still away");
    assert_eq!(again.kind(), ErrorKind::DeadlineExceeded, "{again}");
    proxy.pass();
    while let Err(error) = asked.resign().await {
        assert!(error.is_retryable(), "{error}");
    }
    assert_eq!(candidates(&etcd, "asked").await, Vec::<String>::new(), "it said that it was given back");
    until_candidates(&etcd, "kept", 0).await;
    until_candidates(&etcd, "dropped", 0).await;
    kept.resign().await.expect("given back");
}

#[tokio::test]
async fn a_candidate_that_was_cut_off_or_stopped_for_longer_than_its_ttl_does_not_believe_it_won() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (leader, etcd) = (client_of(&server).await, server.client().await);
    let queued = Client::connect(ClientConfig::new([proxy.endpoint()])).await.expect("connect");
    let mut stopped = agent("/go-core", &[server.endpoint()]).await;
    let ttl = Duration::from_secs(2);
    let led = leader.campaign("k", "leader", TTL).await.expect("campaign");
    let waiting = campaigning(&queued, "k", "cut off", ttl);
    let mut candidacy = queued.candidacy("k", "in the background", ttl).expect("candidacy");
    stopped.send(&json!({"do": "campaign", "key": "k", "identity": "stopped", "ttl_ms": 2000})).expect("sent");
    until_candidates(&etcd, "k", 4).await;
    // Each knows that it waits: a session's record for three, the leader's own key, three predecessors.
    let all_wait = async || (server.metrics().await.watchers() >= 7).then_some(());
    eventually(SOON, "all wait", all_wait).await;
    let gone = deletion(&etcd, "/go-core/elections/k/").await;
    proxy.black_hole();
    stopped.freeze();
    timeout(SOON, gone).await.expect("expired").expect("no panic");
    until_candidates(&etcd, "k", 1).await;
    // Now it would be their turn.
    led.resign().await.expect("resign");
    assert!(!candidacy.is_leader());
    stopped.thaw();
    assert_eq!(outcome(waiting).await.expect_err("its session is dead").kind(), ErrorKind::Lost);
    assert_eq!(stopped.expect("failed", SOON).await.body["kind"], "Lost");
    assert_eq!(candidates(&etcd, "k").await, Vec::<String>::new());
    while state(&mut candidacy).await != CandidacyState::Lost {}
    proxy.pass();
    until_leading(&mut candidacy).await;
    assert_eq!(leader.leader("k").await.expect("leader").expect("one").identity, "in the background");
}
