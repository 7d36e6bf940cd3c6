//! What a user sees of a lock in calm.

use std::time::{Duration, Instant};

use gocore_etcd_core::lock::DEFAULT_LOCK_TTL;
use gocore_etcd_core::{Client, ClientConfig, ErrorKind, Lock, Op, PutOptions, Range, Txn};
use gocore_etcd_tests::story::granted;
use gocore_etcd_tests::{Server, eventually};
use tokio::time::timeout;

const TTL: Duration = Duration::from_secs(10);
const SOON: Duration = Duration::from_secs(5);

async fn client(server: &Server) -> Client {
    Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect")
}

/// How many contenders there are for a lock.
async fn contenders(client: &Client, key: &str) -> u64 {
    let queue = Range::prefix(client.key(["locks", key]) + "/").count_only();
    client.kv().list(queue).await.expect("count").count
}

#[tokio::test]
async fn a_lock_is_held_until_it_is_unlocked() {
    let server = Server::plain().await;
    let client = client(&server).await;
    let lock = client.lock("/jobs/cleanup/", TTL).await.expect("lock");
    assert_eq!(lock.key(), "/go-core/locks/jobs/cleanup");
    assert!(lock.is_held() && lock.token() > 0);
    assert_eq!(contenders(&client, "jobs/cleanup").await, 1);
    lock.unlock().await.expect("unlock");
    assert!(!lock.is_held());
    assert_eq!(contenders(&client, "jobs/cleanup").await, 0);
    lock.unlock().await.expect("a second unlock gives the result of the first");
    timeout(SOON, lock.lost()).await.expect("what is given back is held no longer");
    client.close().await.expect("close");
}

#[tokio::test]
async fn a_lock_that_names_no_ttl_has_30_s() {
    let server = Server::plain().await;
    let (client, etcd) = (client(&server).await, server.client().await);
    let _lock = client.lock("k", Duration::ZERO).await.expect("lock");
    let _tried = client.try_lock("tried", Duration::ZERO).await.expect("try_lock").expect("free");
    for key in ["k", "tried"] {
        assert_eq!(granted(&etcd, &format!("/go-core/locks/{key}/")).await, Duration::from_secs(30));
    }
    assert_eq!(DEFAULT_LOCK_TTL, Duration::from_secs(30));
}

#[tokio::test]
async fn two_tasks_of_one_client_exclude_each_other_in_order_of_arrival_with_growing_tokens() {
    let server = Server::plain().await;
    let client = client(&server).await;
    let first = client.lock("k", TTL).await.expect("lock");
    let mut waiting = Vec::new();
    for n in 0..5u64 {
        let client_n = client.clone();
        let waiter = tokio::spawn(async move { client_n.lock("k", TTL).await.expect("lock") });
        eventually(SOON, "the waiter has queued", async || (contenders(&client, "k").await == n + 2).then_some(()))
            .await;
        waiting.push(waiter);
    }
    let mut token = first.token();
    first.unlock().await.expect("unlock");
    for waiter in waiting {
        let lock = timeout(SOON, waiter).await.expect("in order").expect("no panic");
        assert!(lock.token() > token && lock.is_held());
        token = lock.token();
        lock.unlock().await.expect("unlock");
    }
}

#[tokio::test]
async fn try_lock_gives_none_while_anybody_holds_and_does_not_disturb() {
    let server = Server::plain().await;
    let (a, b) = (client(&server).await, client(&server).await);
    let held = a.lock("k", TTL).await.expect("lock");
    assert!(b.try_lock("k", TTL).await.expect("try_lock").is_none());
    assert!(a.try_lock("k", TTL).await.expect("of the same client").is_none());
    assert_eq!(contenders(&a, "k").await, 1);
    held.unlock().await.expect("unlock");
    let lock = b.try_lock("k", TTL).await.expect("try_lock").expect("free");
    assert!(lock.is_held() && lock.token() > held.token());
}

#[tokio::test]
async fn a_longer_name_is_another_lock() {
    let server = Server::plain().await;
    let client = client(&server).await;
    let longer = client.lock("jobs/1", TTL).await.expect("lock");
    let shorter = timeout(SOON, client.lock("jobs", TTL)).await.expect("does not wait for jobs/1").expect("lock");
    assert!(longer.is_held() && shorter.is_held());
    assert!(client.try_lock("jobs", TTL).await.expect("try").is_none());
}

#[tokio::test]
async fn a_dropped_lock_is_released_in_the_background() {
    let server = Server::plain().await;
    let client = client(&server).await;
    drop(client.lock("k", TTL).await.expect("lock"));
    let again = timeout(SOON, client.lock("k", TTL)).await.expect("released").expect("lock");
    assert!(again.is_held());
}

#[tokio::test]
async fn a_guarded_write_of_an_earlier_owner_is_refused() {
    let server = Server::plain().await;
    let client = client(&server).await;
    let first = client.lock("k", TTL).await.expect("lock");
    first.put("/data", "first").await.expect("held");
    first.unlock().await.expect("unlock");
    let second = client.lock("k", TTL).await.expect("lock");
    second.put("/data", "second").await.expect("held");
    let stale = client.kv().commit(Txn::new().guarded_by(&first).then(Op::put("/data", "stale"))).await;
    assert_eq!(stale.expect_err("refused by etcd").kind(), ErrorKind::Lost);
    assert_eq!(first.put("/data", "stale").await.expect_err("refused here").kind(), ErrorKind::Lost);
    assert_eq!(client.kv().get("/data").await.expect("get").expect("there").value, b"second");
}

#[tokio::test]
async fn a_guarded_write_has_the_lease_and_the_limit_that_are_asked_for() {
    let server = Server::plain().await;
    let (client, etcd) = (client(&server).await, server.client().await);
    let lock = client.lock("k", TTL).await.expect("lock");
    let lease = etcd.lease_client().grant(60, None).await.expect("grant").id();
    let under = |lease| PutOptions { lease, timeout: None };
    lock.put_with("/data", "leased", under(lease)).await.expect("held");
    assert_eq!(client.kv().get("/data").await.expect("get").expect("there").lease, lease);
    let unknown = lock.put_with("/data", "v", under(lease + 1)).await.expect_err("no such lease");
    assert_eq!(unknown.kind(), ErrorKind::NotFound);
    assert!(lock.is_held(), "a lease that somebody else named is not the lock's");

    server.freeze();
    let began = Instant::now();
    let short = PutOptions { timeout: Some(Duration::from_millis(300)), ..PutOptions::default() };
    let late = lock.put_with("/data", "late", short).await.expect_err("nobody answers");
    assert!(began.elapsed() < Duration::from_secs(3), "the client's own limit is 8 s: {:?}", began.elapsed());
    assert_eq!((late.kind(), late.maybe_applied()), (ErrorKind::DeadlineExceeded, true), "{late}");
    server.thaw();
}

#[tokio::test]
async fn close_gives_everything_back_and_every_call_says_closed() {
    let server = Server::plain().await;
    let (client, other) = (client(&server).await, client(&server).await);
    let lock = client.lock("k", TTL).await.expect("lock");
    let waiter = tokio::spawn({
        let client = client.clone();
        async move { client.lock("k", TTL).await }
    });
    eventually(SOON, "queued", async || (contenders(&other, "k").await == 2).then_some(())).await;
    client.close().await.expect("close");
    assert!(!lock.is_held());
    let waited = timeout(SOON, waiter).await.expect("ended").expect("no panic");
    assert_eq!(waited.expect_err("closed").kind(), ErrorKind::Closed);
    assert_eq!(other.kv().list(Range::prefix("/go-core/")).await.expect("list").kvs, vec![], "nothing is left");

    let closed = |error: gocore_etcd_core::Error| assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    closed(client.lock("k", TTL).await.expect_err("lock"));
    closed(client.try_lock("k", TTL).await.expect_err("try_lock"));
    closed(client.kv().get("k").await.expect_err("get"));
    closed(lock.unlock().await.expect_err("unlock"));
    closed(lock.put("k", "v").await.expect_err("put"));
    client.close().await.expect("idempotent");
}

#[tokio::test]
async fn dropping_the_last_clone_closes_and_a_lock_keeps_its_client_alive() {
    let server = Server::plain().await;
    let other = client(&server).await;
    let lock = {
        let client = client(&server).await;
        client.lock("k", TTL).await.expect("lock")
    };
    assert!(lock.is_held());
    assert!(other.try_lock("k", TTL).await.expect("try").is_none());
    drop(lock);
    let all = async || other.kv().list(Range::prefix("/go-core/")).await.ok().filter(|all| all.count == 0);
    eventually(SOON, "lock and session are given back", all).await;
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = Server::plain().await;
    let client = client(&server).await;
    // Status is the look at the server's version, in the background after connecting.
    let sent =
        async || server.metrics().await.requests().into_iter().filter(|(method, _)| method != "Status").collect();
    let before: Vec<(String, u64)> = sent().await;
    let refused = |result: gocore_etcd_core::Result<Lock>, argument: &str| {
        let error = result.expect_err(argument);
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        assert!(error.to_string().contains(&format!("{argument}: ")), "{error}");
    };
    for key in ["", "/", " ", "a\0b", &"x".repeat(1025)] {
        refused(client.lock(key, TTL).await, "key");
    }
    refused(client.lock("k", Duration::MAX).await, "ttl");
    assert_eq!(client.kv().get("").await.expect_err("empty").kind(), ErrorKind::InvalidArgument);
    assert_eq!(client.kv().put_under("k", "v", -1).await.expect_err("lease").kind(), ErrorKind::InvalidArgument);
    assert_eq!(sent().await, before, "nothing was sent");
}

#[tokio::test]
async fn an_idle_session_is_kept_for_one_ttl_and_then_revoked() {
    let server = Server::plain().await;
    let (client, other) = (client(&server).await, client(&server).await);
    let ttl = Duration::from_secs(2);
    client.lock("k", ttl).await.expect("lock").unlock().await.expect("unlock");
    let sessions = async || other.kv().list(Range::prefix("/go-core/.gocore/sessions/")).await.expect("list").count;
    assert_eq!(sessions().await, 1, "kept warm");
    eventually(Duration::from_secs(10), "revoked", async || (sessions().await == 0).then_some(())).await;
    assert!(client.lock("k", ttl).await.expect("a new session begins").is_held());
}
