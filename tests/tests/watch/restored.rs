//! A store that is restored: nothing that was seen before counts, so the picture begins anew.

use gocore_etcd_core::{Client, KvWatch, Range, WatchUpdate};
use gocore_etcd_tests::{Proxy, Server, eventually};

use crate::{Picture, SOON, client, next};

async fn put(client: &Client, key: &str) -> i64 {
    eventually(SOON, "etcd takes writes", async || client.kv().put(key, "").await.ok()).await
}

/// A watch that has seen five changes, the last of this revision.
async fn watched(watching: &Client, writing: &Client) -> (KvWatch, Picture, i64) {
    let mut watch = watching.kv().watch(Range::prefix("/w/")).expect("watch");
    let mut picture = Picture::default();
    picture.update(next(&mut watch).await);
    let mut last = 0;
    for n in 0..5 {
        last = put(writing, &format!("/w/seen{n}")).await;
    }
    picture.until(&mut watch, "/w/seen4").await;
    (watch, picture, last)
}

#[tokio::test]
async fn a_watch_begins_anew_at_the_lower_revision_of_a_restored_cluster() {
    let mut server = Server::plain().await;
    let client = client(server.endpoint()).await;
    put(&client, "/w/then").await;
    let backup = server.back_up();
    server.restart().await;
    let (mut watch, mut picture, seen) = watched(&client, &client).await;
    server.put_back(backup);
    server.restart().await;
    let WatchUpdate::Snapshot { revision, kvs } = next(&mut watch).await else { panic!("a snapshot") };
    assert!(revision < seen, "{revision} of the store of then, after {seen}");
    assert_eq!(kvs.iter().map(|kv| &kv.key[..]).collect::<Vec<_>>(), [b"/w/then"]);
    picture.update(WatchUpdate::Snapshot { revision, kvs });
    // Revisions that were others before.
    for key in ["/w/then", "/w/seen0", "/w/end"] {
        put(&client, key).await;
    }
    picture.until(&mut watch, "/w/end").await;
    picture.assert_true(&client, "/w/").await;
    assert_eq!(picture.snapshots, 2);
}

#[tokio::test]
async fn a_watch_begins_anew_in_another_cluster_also_where_its_revisions_are_higher() {
    let mut server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (watching, writing) = (client(proxy.endpoint()).await, client(server.endpoint()).await);
    let (mut watch, mut picture, seen) = watched(&watching, &writing).await;
    proxy.cut();
    server.found_anew();
    server.restart().await;
    put(&writing, "/w/unseen").await;
    while put(&writing, "/noise").await < seen + 5 {}
    proxy.pass();
    let update = next(&mut watch).await;
    assert!(matches!(update, WatchUpdate::Snapshot { .. }), "{update:?}");
    picture.update(update);
    put(&writing, "/w/end").await;
    picture.until(&mut watch, "/w/end").await;
    picture.assert_true(&writing, "/w/").await;
}
