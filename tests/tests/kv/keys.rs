//! Single keys: get, put, put under a lease, delete.

use gocore_etcd_core::{ErrorKind, KeyValue, Range};
use gocore_etcd_tests::eventually;

use crate::story::{SOON, alone, fails, names, with_keys};

#[tokio::test]
async fn a_key_that_does_not_exist_is_none_and_after_a_put_it_is_there_with_its_history() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    assert_eq!(kv.get("/k").await.expect("get"), None);
    let first = kv.put("/k", "one").await.expect("put");
    let second = kv.put("/k", "two").await.expect("put");
    assert!(second > first);
    let expected = KeyValue {
        key: b"/k".to_vec(),
        value: b"two".to_vec(),
        create_revision: first,
        mod_revision: second,
        version: 2,
        lease: 0,
    };
    assert_eq!(kv.get("/k").await.expect("get"), Some(expected));
    assert_eq!(kv.delete("/k").await.expect("delete"), 1);
    assert_eq!(kv.get("/k").await.expect("get"), None);
    let again = kv.put("/k", "").await.expect("put");
    let reborn = kv.get("/k").await.expect("get").expect("there");
    assert_eq!((reborn.create_revision, reborn.version, reborn.value), (again, 1, vec![]));
}

#[tokio::test]
async fn keys_and_values_are_bytes() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    let keys: [&[u8]; 5] = [b"\0", b"\0\0", b"a\0b", b"\xff", b"\xff\xff\xff"];
    for key in keys {
        let value: Vec<u8> = (0..=255).chain(key.iter().copied()).collect();
        kv.put(key, value.clone()).await.expect("put");
        assert_eq!(kv.get(key).await.expect("get").expect("there").value, value);
    }
    let all = |listing: gocore_etcd_core::Listing| listing.kvs.into_iter().map(|kv| kv.key).collect::<Vec<_>>();
    assert_eq!(all(kv.list(Range::prefix("")).await.expect("list")), keys, "an empty prefix is every key");
    // A prefix of 0xff has no successor: it goes on to the end.
    assert_eq!(all(kv.list(Range::prefix(b"\xff")).await.expect("list")), keys[3..]);
    assert_eq!(all(kv.list(Range::prefix(b"\0")).await.expect("list")), keys[..2]);
    assert_eq!(kv.delete(b"\xff".to_vec()).await.expect("delete"), 1);
    assert_eq!(kv.delete(Range::prefix(b"\xff\xff")).await.expect("delete"), 1);
    assert_eq!(kv.delete(Range::prefix("")).await.expect("delete"), 3);
    assert_eq!(kv.list(Range::prefix("")).await.expect("list").count, 0);
}

#[tokio::test]
async fn an_error_shows_a_key_that_is_no_text_escaped_and_a_long_one_cut() {
    let (_server, client) = alone().await;
    let error = fails(ErrorKind::NotFound, client.kv().put_under(b"/\n\0\xff", "v", 12345).await);
    assert!(error.key().expect("a key").starts_with("/\\n\\0"), "{error}");
    let error = fails(ErrorKind::NotFound, client.kv().put_under("x".repeat(10_000), "v", 12345).await);
    assert!(error.to_string().len() < 1000, "{error}");
}

#[tokio::test]
async fn a_key_under_a_lease_goes_with_it_and_a_dead_lease_is_not_found() {
    let (server, client) = alone().await;
    let (kv, mut etcd) = (client.kv(), server.client().await.lease_client());
    let lease = etcd.grant(60, None).await.expect("grant").id();
    kv.put_under("/under", "v", lease).await.expect("put");
    kv.put("/beside", "v").await.expect("put");
    assert_eq!(kv.get("/under").await.expect("get").expect("there").lease, lease);
    etcd.revoke(lease).await.expect("revoke");
    assert_eq!(kv.get("/under").await.expect("get"), None);
    assert!(kv.get("/beside").await.expect("get").is_some());
    let error = fails(ErrorKind::NotFound, kv.put_under("/under", "v", lease).await);
    assert_eq!((error.op(), error.key()), ("kv.put", Some("/under")));
    assert_eq!(kv.get("/under").await.expect("get"), None);

    let short = etcd.grant(1, None).await.expect("grant").id();
    kv.put_under("/short", "v", short).await.expect("put");
    let gone = async || kv.get("/short").await.expect("get").is_none().then_some(());
    eventually(SOON, "the lease has expired", gone).await;
    fails(ErrorKind::NotFound, kv.put_under("/short", "v", short).await);
}

#[tokio::test]
async fn a_put_without_a_lease_takes_the_key_off_its_lease() {
    let (server, client) = alone().await;
    let mut etcd = server.client().await.lease_client();
    let lease = etcd.grant(60, None).await.expect("grant").id();
    client.kv().put_under("/k", "v", lease).await.expect("put");
    client.kv().put("/k", "v").await.expect("put");
    etcd.revoke(lease).await.expect("revoke");
    assert_eq!(client.kv().get("/k").await.expect("get").expect("stays").lease, 0);
}

#[tokio::test]
async fn delete_says_how_many_it_deleted() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    with_keys(&client, &["/a/1", "/a/2", "/a/3", "/ab", "/b"]).await;
    assert_eq!(kv.delete("/nothing").await.expect("delete"), 0);
    assert_eq!(kv.delete("/a").await.expect("no prefix by accident"), 0);
    assert_eq!(kv.delete("/b").await.expect("delete"), 1);
    assert_eq!(kv.delete(Range::between("/a/2", "/a/3")).await.expect("without its end"), 1);
    assert_eq!(names(&kv.list(Range::prefix("/")).await.expect("list")), ["/a/1", "/a/3", "/ab"]);
    assert_eq!(kv.delete(Range::prefix("/a/")).await.expect("delete"), 2);
    assert_eq!(names(&kv.list(Range::prefix("/")).await.expect("list")), ["/ab"]);
}
