//! Closing: idempotent, quick, and the end of everything.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, Error, ErrorKind, Op, Range, Txn};
use gocore_etcd_tests::{Proxy, Server, eventually};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::story::{SOON, client, client_of};

const TTL: Duration = Duration::from_secs(30);

fn closed(error: Error) {
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    assert!(!error.is_retryable(), "{error}");
}

async fn every_call_is_closed(client: &Client) {
    let kv = client.kv();
    closed(kv.get("/k").await.expect_err("get"));
    closed(kv.list(Range::prefix("/")).await.expect_err("list"));
    closed(kv.put("/k", "v").await.expect_err("put"));
    closed(kv.delete("/k").await.expect_err("delete"));
    closed(kv.commit(Txn::new().then(Op::put("/k", "v"))).await.expect_err("commit"));
    closed(client.lock("k", TTL).await.expect_err("lock"));
    closed(client.try_lock("k", TTL).await.expect_err("try_lock"));
    closed(client.campaign("k", "me", TTL).await.expect_err("campaign"));
    closed(client.candidacy("k", "me", TTL).expect_err("candidacy"));
    let work = async |_| ControlFlow::<()>::Continue(());
    closed(client.run_as_leader("k", "me", TTL, work).await.expect_err("run_as_leader"));
    closed(client.leader("k").await.expect_err("leader"));
    closed(client.observe("k").expect_err("observe"));
    closed(kv.watch("/k").expect_err("watch"));
}

#[tokio::test]
async fn close_is_idempotent_for_every_clone_and_every_call_afterwards_is_closed() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let clone = client.clone();
    let kv = client.kv();
    let (first, second) = tokio::join!(client.close(), clone.close());
    first.expect("close");
    second.expect("close by another at the same time");
    client.close().await.expect("close again");
    every_call_is_closed(&client).await;
    every_call_is_closed(&clone).await;
    closed(kv.get("/k").await.expect_err("a handle from before"));
    let before = server.metrics().await;
    every_call_is_closed(&client).await;
    assert_eq!(server.metrics().await.requests(), before.requests(), "nothing is sent any more");
}

#[tokio::test]
async fn calls_under_way_end_as_closed_and_say_whether_they_may_have_been_applied() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let kv = client.kv();
    kv.put("/k", "before").await.expect("put");
    server.freeze();
    let began = Instant::now();
    // In this order: both are under way when the client is closed.
    let (get, put, closed) = tokio::join!(biased; kv.get("/k"), kv.put("/k", "during"), client.close());
    closed.expect("there was nothing to give back");
    assert!(began.elapsed() < Duration::from_secs(5), "they wait for no deadline: {:?}", began.elapsed());
    let (get, put) = (get.expect_err("closed"), put.expect_err("closed"));
    assert_eq!((get.kind(), get.maybe_applied()), (ErrorKind::Closed, false), "{get}");
    assert_eq!((put.kind(), put.maybe_applied()), (ErrorKind::Closed, true), "{put}");
    server.thaw();
}

#[tokio::test]
async fn close_does_not_wait_longer_than_its_limit_for_an_etcd_that_is_away() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    let lock = client.lock("k", TTL).await.expect("lock");
    server.freeze();
    let began = Instant::now();
    let error = client.close().await.expect_err("the lock could not be given back");
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded, "{error}");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(!lock.is_held());
    every_call_is_closed(&client).await;
    server.thaw();
}

#[tokio::test]
async fn closing_leaves_no_task_behind() {
    const EACH: usize = 20;
    let alive = || Handle::current().metrics().num_alive_tasks();
    let server = Server::plain().await;
    let before = alive();
    let client = client_of(&server).await;
    let (mut locks, mut candidacies, mut watches) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..EACH {
        // Each with a session of its own.
        locks.push(client.lock(&n.to_string(), TTL + Duration::from_secs(n as u64)).await.expect("lock"));
        candidacies.push(client.candidacy("k", &n.to_string(), TTL).expect("candidacy"));
        watches.push(client.kv().watch(n.to_string()).expect("watch"));
        watches[n].next().await.expect("an update");
    }
    let observation = client.observe("k").expect("observe");
    let begun = async || (alive() - before > 3 * EACH).then_some(());
    eventually(SOON, "sessions, locks and candidacies have tasks", begun).await;
    client.close().await.expect("close");
    // Connections close with the last handle; what ended at this moment may not have been counted yet.
    let few = async || (alive() - before < EACH / 2).then_some(());
    eventually(Duration::from_millis(100), "the connections' tasks alone are left", few).await;
    drop((locks, candidacies, watches, observation, client));
    eventually(SOON, "no task is left", async || (alive() <= before).then_some(())).await;
}

#[tokio::test]
async fn a_client_that_is_closed_or_dropped_closes_its_connections() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let gone = async || (proxy.traffic().open == 0).then_some(());
    let ours = client([proxy.endpoint()]).await;
    drop(ours.lock("k", TTL).await.expect("lock"));
    ours.close().await.expect("close");
    drop(ours);
    eventually(SOON, "closed and dropped", gone).await;

    let ours = client([proxy.endpoint()]).await;
    let lock = ours.lock("k", TTL).await.expect("lock");
    drop(ours);
    assert!(lock.is_held(), "a lock keeps its client alive");
    drop(lock);
    eventually(SOON, "dropped alone", gone).await;
    let other = client_of(&server).await;
    let lock = timeout(SOON, other.lock("k", TTL)).await.expect("it was given back").expect("lock");
    lock.unlock().await.expect("unlock");
}
