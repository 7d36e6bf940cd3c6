//! Whatever else lies under a lock's prefix: contenders of other programs count, everything else does not.

use std::time::Duration;

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp, TxnOpResponse};
use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::Server;
use tokio::time::timeout;

use crate::story::{SOON, client_of, contenders, lease_of, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(30);

/// Puts a key by a plain client, under a lease of its own if it has a TTL.
async fn put(etcd: &etcd_client::Client, key: impl Into<Vec<u8>>, value: &str, ttl: i64) {
    let lease = match ttl {
        0 => 0,
        ttl => etcd.lease_client().grant(ttl, None).await.expect("grant").id(),
    };
    etcd.kv_client().put(key, value, Some(PutOptions::new().with_lease(lease))).await.expect("put");
}

#[tokio::test]
async fn keys_of_longer_names_and_odd_ones_are_not_waited_for() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let odd: [&[u8]; 8] = [b"1/x", b"1/2/3", b"/", b"//", b"x/", b"\0/\0", b"\xff\xfe/\x80", b"/67"];
    for suffix in odd {
        put(&etcd, [b"/go-core/locks/jobs/", suffix].concat(), "no contender", 0).await;
    }
    // So many that they do not come in one page.
    for page in 0..11 {
        let put = |n: u32| TxnOp::put(format!("/go-core/locks/jobs/1/{page}-{n}"), "", None);
        etcd.kv_client().txn(Txn::new().and_then((0..100).map(put).collect::<Vec<_>>())).await.expect("txn");
    }
    let lock = timeout(SOON, ours.lock("jobs", TTL)).await.expect("waits for none of them").expect("lock");
    assert!(ours.try_lock("jobs", TTL).await.expect("try_lock").is_none());
    let waiter = waiting(&ours, "jobs", TTL);
    // A newer one comes between the waiter and its predecessor.
    put(&etcd, "/go-core/locks/jobs/1/newer", "", 0).await;
    lock.unlock().await.expect("unlock");
    outcome(waiter).await.expect("its turn").unlock().await.expect("unlock");
    ours.try_lock("jobs", TTL).await.expect("try_lock").expect("free").unlock().await.expect("unlock");
}

#[tokio::test]
async fn a_contender_of_any_name_and_value_is_waited_for_no_longer_than_its_own_lease() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let odd: [&[u8]; 6] = [b"x", b"\xff\xfe\x80", b"\0", b"-1", b"deadbeef-zz", "ä".as_bytes()];
    for suffix in odd {
        put(&etcd, [b"/go-core/locks/jobs/", suffix].concat(), "{\"any\": [value", 2).await;
    }
    assert!(ours.try_lock("jobs", TTL).await.expect("try_lock").is_none(), "they hold it");
    let lock = timeout(SOON, ours.lock("jobs", TTL)).await.expect("no longer than 2 s and a bit").expect("lock");
    assert_eq!(contenders(&etcd, "jobs").await.len(), 1, "all of them are gone, not only overtaken");
    lock.unlock().await.expect("unlock");
}

#[tokio::test]
async fn a_foreign_key_of_the_very_name_ours_would_take_is_a_contender_like_any_other() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let warm = ours.lock("warm", TTL).await.expect("lock");
    let name = format!("/go-core/locks/jobs/{:x}", lease_of(&etcd, "warm").await);
    put(&etcd, name.as_str(), "squatter", 0).await;
    assert!(ours.try_lock("jobs", TTL).await.expect("try_lock").is_none());
    let waiter = waiting(&ours, "jobs", TTL);
    until_contenders(&etcd, "jobs", 2).await;
    assert!(!waiter.is_finished());
    etcd.kv_client().delete(name.as_str(), None).await.expect("delete");
    let lock = outcome(waiter).await.expect("its turn");
    lock.put("/data", "guarded by the name it got instead").await.expect("held");
    lock.unlock().await.expect("unlock");
    assert_eq!(contenders(&etcd, "jobs").await, Vec::<String>::new());
    assert!(warm.is_held(), "the session is unharmed");
}

#[tokio::test]
async fn a_value_put_over_our_key_changes_nothing() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let lock = ours.lock("k", TTL).await.expect("lock");
    let waiter = waiting(&ours, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    // Without a lease it would even outlive the session, were it not deleted by its create revision.
    put(&etcd, contenders(&etcd, "k").await[0].as_str(), "overwritten", 0).await;
    lock.put("/data", "mine").await.expect("still the owner");
    assert!(lock.is_held() && !waiter.is_finished());
    lock.unlock().await.expect("unlock");
    assert!(outcome(waiter).await.expect("its turn").is_held());
}

/// What the Go package's lock does, by a plain client: its key, and the first contender before it.
struct GoMutex {
    etcd: etcd_client::Client,
    key: String,
    revision: i64,
}

impl GoMutex {
    async fn queue(etcd: &etcd_client::Client, name: &str) -> GoMutex {
        let lease = etcd.lease_client().grant(60, None).await.expect("grant").id();
        let key = format!("/go-core/locks/{name}/{lease:x}");
        let txn = Txn::new()
            .when([Compare::create_revision(key.as_str(), CompareOp::Equal, 0)])
            .and_then([TxnOp::put(key.as_str(), "", Some(PutOptions::new().with_lease(lease)))]);
        let answer = etcd.kv_client().txn(txn).await.expect("txn");
        assert!(matches!(answer.op_responses()[0], TxnOpResponse::Put(_)));
        GoMutex { etcd: etcd.clone(), key, revision: answer.header().expect("a header").revision() }
    }

    /// Go waits until there is none left: client/v3/concurrency, `waitDeletes`.
    async fn predecessor(&self) -> Option<String> {
        let queue = &self.key[..=self.key.rfind('/').expect("a slash")];
        let before = GetOptions::new()
            .with_prefix()
            .with_limit(1)
            .with_sort(SortTarget::Create, SortOrder::Descend)
            .with_max_create_revision(self.revision - 1);
        let found = self.etcd.kv_client().get(queue, Some(before)).await.expect("get");
        found.kvs().first().map(|kv| kv.key_str().expect("text").to_owned())
    }

    async fn until_its_turn(&self) {
        let free = async || self.predecessor().await.is_none().then_some(());
        gocore_etcd_tests::eventually(SOON, "the Go contender's turn", free).await;
    }

    async fn unlock(self) {
        self.etcd.kv_client().delete(self.key, None).await.expect("delete");
    }
}

#[tokio::test]
async fn a_go_contender_excludes_ours_and_ours_a_go_contender_in_order_of_arrival() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let go = GoMutex::queue(&etcd, "k").await;
    assert_eq!(go.predecessor().await, None, "Go holds");
    assert!(ours.try_lock("k", TTL).await.expect("try_lock").is_none());
    let waiter = waiting(&ours, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    let go_again = GoMutex::queue(&etcd, "k").await;
    let last = waiting(&ours, "k", TTL);
    until_contenders(&etcd, "k", 4).await;

    assert!(!waiter.is_finished());
    go.unlock().await;
    let lock = outcome(waiter).await.expect("its turn");
    assert_eq!(go_again.predecessor().await, contenders(&etcd, "k").await.first().cloned(), "Go waits for ours");
    lock.unlock().await.expect("unlock");
    go_again.until_its_turn().await;
    assert!(!last.is_finished());
    assert_eq!(lock.put("/data", "stale").await.expect_err("given back").kind(), ErrorKind::Lost);
    go_again.unlock().await;
    assert!(outcome(last).await.expect("its turn").token() > lock.token());
}
