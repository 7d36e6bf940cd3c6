//! Deadlines, and what is said about a write whose answer did not come.

use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, ClientConfig, Error, ErrorKind, Op, Range, Txn};
use gocore_etcd_tests::{Proxy, Server, eventually};

use crate::story::{SOON, alone, client_of};

const LIMIT: Duration = Duration::from_secs(1);
/// What may pass on a busy machine between a deadline and our notice of it.
const SLACK: Duration = Duration::from_secs(2);

/// It ended at its deadline, and says of itself whether it may have been applied.
fn ended(what: &str, error: &Error, maybe_applied: bool) {
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{what}: {error}");
    assert_eq!((error.maybe_applied(), error.is_retryable()), (maybe_applied, true), "{what}: {error}");
}

#[tokio::test]
async fn while_the_server_is_frozen_calls_end_at_their_deadline_and_writes_may_have_been_applied() {
    let (server, client) = alone().await;
    let kv = client.kv().with_timeout(LIMIT);
    kv.put("/k", "before").await.expect("put");
    server.freeze();
    let began = Instant::now();
    let reading = Txn::new().then(Op::get("/k"));
    let writing = Txn::new().then(Op::put("/k", "during"));
    let (get, list, read, put, delete, write) = tokio::join!(
        kv.get("/k"),
        kv.list(Range::prefix("/")),
        kv.commit(reading),
        kv.put("/k", "during"),
        kv.delete("/k"),
        kv.commit(writing),
    );
    let took = began.elapsed();
    ended("get", &get.expect_err("frozen"), false);
    ended("list", &list.expect_err("frozen"), false);
    ended("txn that reads", &read.expect_err("frozen"), false);
    ended("put", &put.expect_err("frozen"), true);
    ended("delete", &delete.expect_err("frozen"), true);
    ended("txn that writes", &write.expect_err("frozen"), true);
    assert!(took >= LIMIT && took < LIMIT + SLACK, "{took:?}");

    server.thaw();
    client.kv().get("/k").await.expect("a read works again on the same client");
    client.kv().put("/k", "after").await.expect("a write too");
}

#[tokio::test]
async fn a_read_that_waits_through_a_freeze_gets_its_answer() {
    let (server, client) = alone().await;
    client.kv().put("/k", "v").await.expect("put");
    let kv = client.kv();
    for froze in [Duration::from_millis(500), Duration::from_secs(3)] {
        server.freeze();
        let (get, ()) = tokio::join!(kv.get("/k"), async {
            tokio::time::sleep(froze).await;
            server.thaw();
        });
        let got = get.unwrap_or_else(|error| panic!("frozen for {froze:?}: {error}"));
        assert_eq!(got.expect("there").value, b"v");
    }
}

#[tokio::test]
async fn a_write_that_was_never_sent_is_sent_as_soon_as_somebody_is_there() {
    let mut server = Server::plain().await;
    let client = client_of(&server).await;
    server.kill();
    // Connecting is refused: not a byte of it leaves.
    let error = client.kv().with_timeout(LIMIT).put("/k", "lost").await.expect_err("nobody there");
    assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{error}");
    let never = client.kv().with_timeout(LIMIT).put("/k", "lost").await.expect_err("nobody there");
    assert!(!never.maybe_applied() && never.is_retryable(), "{never}");
    let waits = client.kv().with_timeout(SOON);
    let (put, ()) = tokio::join!(waits.put("/k", "waited"), server.restart());
    put.expect("it waited for the server");
    assert_eq!(client.kv().get("/k").await.expect("get").expect("there").version, 1, "once");
}

/// A put whose answer is on its way back when the connection is cut.
async fn unanswered(client: &Client, proxy: &Proxy, observer: &Client, n: u32) -> Error {
    proxy.hold_answers();
    let kv = client.kv();
    let put = tokio::spawn(async move { kv.put("/counter", n.to_string()).await });
    let applied = async || {
        let counter = observer.kv().get("/counter").await.expect("get");
        counter.filter(|counter| counter.value == n.to_string().as_bytes())
    };
    eventually(SOON, "the put was applied", applied).await;
    proxy.drop_connections();
    proxy.pass();
    tokio::time::timeout(SOON, put).await.expect("it ends with its connection").expect("no panic").expect_err("cut")
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_never_sent_again() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let client = Client::connect(ClientConfig::new([proxy.endpoint()])).await.expect("connect");
    let observer = client_of(&server).await;
    for n in 1..=5 {
        let error = unanswered(&client, &proxy, &observer, n).await;
        assert!(error.maybe_applied() && error.is_retryable(), "{n}: {error}");
        assert!(matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::DeadlineExceeded), "{n}: {error}");
        let counter = client.kv().get("/counter").await.expect("reading back").expect("there");
        assert_eq!(counter.version, i64::from(n), "applied once each");
    }
    assert_eq!(server.metrics().await.requests_of("Put"), 5);
}

#[tokio::test]
async fn a_read_whose_answer_was_lost_is_sent_again() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let client = Client::connect(ClientConfig::new([proxy.endpoint()])).await.expect("connect");
    client.kv().put("/k", "v").await.expect("put");
    for n in 0..5 {
        let before = server.metrics().await.requests_of("Range");
        proxy.hold_answers();
        let kv = client.kv();
        let get = tokio::spawn(async move { kv.get("/k").await });
        let arrived = async || (server.metrics().await.requests_of("Range") > before).then_some(());
        eventually(SOON, "the read has arrived", arrived).await;
        proxy.drop_connections();
        proxy.pass();
        let got = get.await.expect("no panic").unwrap_or_else(|error| panic!("{n}: {error}"));
        assert_eq!(got.expect("there").value, b"v");
    }
}
