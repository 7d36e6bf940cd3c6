//! Big messages, and streams that nobody reads: what they may cost, and what they never do.

use std::time::{Duration, Instant};

use etcd_client::WatchOptions;
use gocore_etcd_core::{Client, ErrorKind, Range};
use gocore_etcd_tests::{Server, eventually};
use tokio::task::JoinSet;

use crate::story::{SOON, client_of};

const MEGABYTE: usize = 1_000_000;
const TTL: Duration = Duration::from_secs(2);

/// Eight keys of a megabyte each below `/big/`.
async fn with_big_values(client: &Client) {
    for n in 0..8 {
        client.kv().put(format!("/big/{n}"), vec![n; MEGABYTE]).await.expect("put a megabyte");
    }
}

#[tokio::test]
async fn an_answer_of_more_than_4_mb_is_received() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    with_big_values(&client).await;
    let all = client.kv().list(Range::prefix("/big/")).await.expect("8 MB");
    assert_eq!((all.count, all.more), (8, false));
    for (n, kv) in (0..).zip(&all.kvs) {
        assert!(kv.value.len() == MEGABYTE && kv.value.iter().all(|byte| *byte == n));
    }
}

#[tokio::test]
async fn a_put_beyond_the_servers_limit_is_resource_exhausted_and_not_applied() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    // Beyond etcd's limit, and beyond what its gRPC server reads at all.
    for megabytes in [2, 4, 20] {
        let began = Instant::now();
        let error = client.kv().put("/k", vec![0; megabytes * MEGABYTE]).await.expect_err("too large");
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{megabytes} MB: {error}");
        assert!(!error.maybe_applied() && !error.is_retryable(), "{megabytes} MB: {error}");
        assert_eq!(error.key(), Some("/k"));
        println!("{megabytes} MB: {error} after {:?}", began.elapsed());
        assert_eq!(client.kv().get("/k").await.expect("the connection goes on"), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_2_s_stays_held_while_50_mb_are_read_again_and_again() {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    with_big_values(&client).await;
    let lock = client.lock("k", TTL).await.expect("lock");
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < TTL * 3 {
        let mut reads = JoinSet::new();
        for _ in 0..7 {
            let kv = client.kv();
            reads.spawn(async move { kv.list(Range::prefix("/big/")).await.expect("8 MB").count });
        }
        assert_eq!(reads.join_all().await, vec![8; 7]);
        assert!(lock.is_held(), "lost after {:?}", began.elapsed());
        rounds += 1;
    }
    println!("{rounds} rounds of 56 MB");
    lock.unlock().await.expect("unlock");
}

#[tokio::test]
async fn a_watch_that_nobody_reads_delays_neither_keep_alives_nor_calls() {
    let server = Server::plain().await;
    let (client, writer) = (client_of(&server).await, client_of(&server).await);
    let lock = client.lock("k", TTL).await.expect("lock");
    // Streams that together hold more unread than the window of a connection.
    let mut unread = Vec::new();
    for _ in 0..6 {
        let options = WatchOptions::new().with_prefix();
        unread.push(client.raw().watch_client().watch("/big/", Some(options)).await.expect("raw watch"));
    }
    for _ in 0..2 {
        with_big_values(&writer).await;
    }
    let began = Instant::now();
    while began.elapsed() < TTL * 3 {
        client.kv().get("/k").await.expect("get");
        client.kv().put("/k", "v").await.expect("put");
        assert!(lock.is_held(), "lost after {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let renewed = server.metrics().await.messages_of("LeaseKeepAlive");
    assert!(renewed >= 6, "{renewed} renewals");
    drop(unread);
    // An operator's delete is seen as soon as the stream is read again or gone.
    let etcd = server.client().await;
    etcd.kv_client().delete(lock.key(), Some(etcd_client::DeleteOptions::new().with_prefix())).await.expect("delete");
    eventually(SOON, "the delete is noticed", async || (!lock.is_held()).then_some(())).await;
}
