//! What the library says in its log: each turn of events once, where it is decided, whatever the traffic.

use std::time::Duration;

use gocore_etcd_core::{Client, KvWatch, Op, Range, Txn, WatchUpdate};
use gocore_etcd_tests::{Log, Proxy, Server};
use tokio::time::timeout;

use crate::story::{SOON, client, client_of};

const TTL: Duration = Duration::from_secs(2);
/// Every value that is written.
const SECRET: &str = "a value is nobody's business";

/// Puts so many keys below a prefix, a hundred in a revision.
async fn put_all(client: &Client, prefix: &str, keys: usize) {
    for hundred in 0..keys.div_ceil(100) {
        let puts = (0..100).map(|n| Op::put(format!("{prefix}{}", hundred * 100 + n), SECRET));
        client.kv().commit(puts.fold(Txn::new(), Txn::then)).await.expect("commit");
    }
}

/// The lease that a line names.
fn lease(line: &str) -> String {
    line.split_whitespace().find(|word| word.starts_with("lease=")).expect("a lease").to_owned()
}

/// Takes updates until one of this revision or a later one has come.
async fn until_revision(watch: &mut KvWatch, wanted: i64) {
    loop {
        match timeout(SOON, watch.next()).await.expect("an update").expect("open") {
            WatchUpdate::Snapshot { revision, .. } | WatchUpdate::Changes { revision, .. } if revision >= wanted => {
                break;
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn each_turn_of_events_is_logged_once_and_no_line_is_an_event_or_a_value() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let log = Log::begin("gocore_etcd_core=debug");
    let ours = client([proxy.endpoint()]).await;
    assert_eq!(log.lines(&["INFO", "connected", "/go-core"]).len(), 1);
    let etcd = server.client().await;
    let other = client_of(&server).await;
    let mut watch = ours.kv().watch(Range::prefix("/w/")).expect("watch");
    until_revision(&mut watch, other.kv().put("/w/begin", SECRET).await.expect("put")).await;

    // A renewal is late, and comes after all.
    let lock = ours.lock("late", 4 * TTL).await.expect("lock");
    proxy.hold_answers();
    let late = lease(&log.until(SOON, &["WARN", "session suspect"]).await);
    proxy.pass();
    log.until(SOON, &["INFO", "session held", &late]).await;
    assert_eq!(log.lines(&["session suspect", &late]).len(), 1);
    assert!(lock.is_held() && log.lines(&["session lost"]).is_empty());
    lock.unlock().await.expect("unlock");

    // None comes any more.
    let lock = ours.lock("lost", TTL).await.expect("lock");
    proxy.black_hole();
    timeout(SOON, lock.lost()).await.expect("lost by its own clock");
    let lost = lease(&log.until(SOON, &["WARN", "session lost", "why=\"no renewal was confirmed in time\""]).await);
    assert_eq!(log.lines(&["WARN", "session suspect", &lost]).len(), 1);
    log.until(SOON, &["WARN", "endpoint left", &proxy.endpoint()]).await;

    // Connections break, and what the watch has missed is gone when they are back.
    let resumed = log.lines(&["watches resumed"]).len();
    proxy.cut();
    let get = tokio::spawn({
        let ours = ours.clone();
        async move { ours.kv().get("/w/begin").await }
    });
    log.until(SOON, &["DEBUG", "retrying", "kv.get"]).await;
    let revision = other.kv().put("/w/missed", SECRET).await.expect("put");
    etcd.kv_client().compact(revision, None).await.expect("compact");
    proxy.pass();
    get.await.expect("no panic").expect("get");
    log.until(SOON, &["INFO", "endpoint used again", &proxy.endpoint()]).await;
    until_revision(&mut watch, revision).await;
    assert_eq!(log.lines(&["INFO", "watches resumed"]).len(), resumed + 1);
    assert_eq!(log.lines(&["INFO", "watch resynced", "key=\"/w/\"", "why=Compacted"]).len(), 1);

    // A consumer sleeps through many changes of few keys, then through changes of many keys.
    for _ in 0..120 {
        put_all(&other, "/w/", 100).await;
    }
    until_revision(&mut watch, other.kv().put("/w/end", SECRET).await.expect("put")).await;
    let slow = |log: &Log| log.lines(&["WARN", "slow consumer", "key=\"/w/\""]).len();
    assert_eq!(slow(&log), 1);
    put_all(&other, "/w/", 6000).await;
    until_revision(&mut watch, other.kv().put("/w/end", SECRET).await.expect("put")).await;
    assert_eq!(slow(&log), 2);
    assert_eq!(log.lines(&["INFO", "watch resynced", "key=\"/w/\"", "why=SlowConsumer"]).len(), 1);

    ours.close().await.expect("close");
    let text = log.text();
    println!("{text}");
    assert!(!text.contains(SECRET));
    assert_eq!(log.lines(&["session lost"]).len(), 1, "neither the lock that was given back nor closing is a loss");
    assert!(text.lines().count() < 200, "of 18,000 changes");
}
