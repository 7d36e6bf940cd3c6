//! Reading ranges: prefix, limits, counts, order, old revisions.

use gocore_etcd_core::{ErrorKind, Order, Range};

use crate::story::{alone, fails, names, with_keys};

#[tokio::test]
async fn a_prefix_lists_what_begins_with_it_in_order_of_keys() {
    let (_server, client) = alone().await;
    with_keys(&client, &["/a/2", "/b", "/a/1", "/a", "/a/10", "/a0"]).await;
    let kv = client.kv();
    let below = kv.list(Range::prefix("/a/")).await.expect("list");
    assert_eq!(names(&below), ["/a/1", "/a/10", "/a/2"]);
    assert_eq!((below.count, below.more), (3, false));
    assert_eq!(names(&kv.list(Range::prefix("/a")).await.expect("list")), ["/a", "/a/1", "/a/10", "/a/2", "/a0"]);
    assert_eq!(names(&kv.list(Range::between("/a/1", "/a/2")).await.expect("list")), ["/a/1", "/a/10"]);
    assert_eq!(names(&kv.list(Range::between("/a/2", "\0")).await.expect("to the end")), ["/a/2", "/a0", "/b"]);
    assert_eq!(names(&kv.list(Range::key("/a")).await.expect("one")), ["/a"]);
    let empty = kv.list(Range::prefix("/nothing/")).await.expect("list");
    assert_eq!((empty.kvs.len(), empty.count, empty.more), (0, 0, false));
    assert!(empty.revision >= below.revision);
}

#[tokio::test]
async fn a_limit_cuts_and_says_so_and_the_count_is_of_all() {
    let (_server, client) = alone().await;
    with_keys(&client, &["/a", "/b", "/c"]).await;
    let kv = client.kv();
    for (limit, expected, more) in [(1, 1, true), (2, 2, true), (3, 3, false), (4, 3, false), (0, 3, false)] {
        let listing = kv.list(Range::prefix("/").limit(limit)).await.expect("list");
        assert_eq!((listing.kvs.len(), listing.more, listing.count), (expected, more, 3), "limit {limit}");
    }
}

#[tokio::test]
async fn keys_only_and_count_only_leave_out_the_rest() {
    let (_server, client) = alone().await;
    let revisions = with_keys(&client, &["/a", "/b", "/c"]).await;
    let kv = client.kv();
    let keys = kv.list(Range::prefix("/").keys_only()).await.expect("list");
    assert_eq!(names(&keys), ["/a", "/b", "/c"]);
    assert!(keys.kvs.iter().all(|kv| kv.value.is_empty()));
    assert_eq!(keys.kvs.iter().map(|kv| kv.mod_revision).collect::<Vec<_>>(), revisions, "their history is there");
    let count = kv.list(Range::prefix("/").count_only()).await.expect("count");
    assert_eq!((count.kvs.len(), count.count), (0, 3));
    assert!(count.revision >= revisions[2]);
}

#[tokio::test]
async fn an_order_by_creation_and_a_limit_find_the_oldest_and_the_newest() {
    let (_server, client) = alone().await;
    let revisions = with_keys(&client, &["/c", "/a", "/b"]).await;
    let kv = client.kv();
    kv.put("/c", "changed").await.expect("a change is no creation");
    let oldest = kv.list(Range::prefix("/").order(Order::OldestCreated)).await.expect("list");
    assert_eq!(names(&oldest), ["/c", "/a", "/b"]);
    let newest = kv.list(Range::prefix("/").order(Order::NewestCreated).limit(1)).await.expect("list");
    assert_eq!((names(&newest), newest.more, newest.count), (vec!["/b"], true, 3));
    let until = kv.list(Range::prefix("/").created_until(revisions[1])).await.expect("list");
    assert_eq!(names(&until), ["/a", "/c"]);
    let before = Range::prefix("/").created_until(revisions[1]).order(Order::NewestCreated).limit(1);
    assert_eq!(names(&kv.list(before).await.expect("list")), ["/a"], "the predecessor of a contender is found so");
}

#[tokio::test]
async fn an_old_revision_is_read_as_it_was_until_it_is_compacted() {
    let (server, client) = alone().await;
    let kv = client.kv();
    let first = kv.put("/k", "one").await.expect("put");
    let second = kv.put("/k", "two").await.expect("put");
    kv.delete("/k").await.expect("delete");
    let at = async |revision| kv.list(Range::key("/k").at_revision(revision)).await;
    assert_eq!(at(first).await.expect("list").kvs[0].value, b"one");
    assert_eq!(at(second).await.expect("list").kvs[0].value, b"two");
    assert_eq!(at(0).await.expect("now").kvs, vec![]);
    let now = at(first).await.expect("list").revision;
    assert!(now > second, "the revision of the store, not of what was read");

    server.client().await.kv_client().compact(second, None).await.expect("compact");
    assert_eq!(at(second).await.expect("the compacted revision itself stays").kvs[0].value, b"two");
    let error = fails(ErrorKind::Compacted, at(first).await);
    assert_eq!((error.op(), error.key()), ("kv.list", Some("/k")));
    fails(ErrorKind::InvalidArgument, at(now + 1000).await);
}
