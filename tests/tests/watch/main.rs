//! The watch that every waiting capability stands on, seen through `Kv::watch`: no gap, no duplicate, no silence.

mod home;
mod restored;
mod silent;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use etcd_client::Permission;
use gocore_etcd_core::{Change, Client, ClientConfig, ErrorKind, KvWatch, Op, Range, Txn, WatchUpdate};
use gocore_etcd_tests::{Auth, Cluster, Proxy, Server, ServerOptions, eventually};
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(20);

async fn client(endpoint: impl Into<String>) -> Client {
    Client::connect(ClientConfig::new([endpoint.into()])).await.expect("connect")
}

async fn next(watch: &mut KvWatch) -> WatchUpdate {
    loop {
        match timeout(SOON, watch.next()).await.expect("an update").expect("open") {
            WatchUpdate::Connected(_) => {}
            update => return update,
        }
    }
}

/// What a user makes of the updates: the keys with the revision of their last change.
#[derive(Default)]
struct Picture {
    keys: BTreeMap<Vec<u8>, i64>,
    revision: i64,
    snapshots: u32,
    coalesced: bool,
    /// The revisions of all changes.
    told: BTreeSet<i64>,
}

impl Picture {
    fn update(&mut self, update: WatchUpdate) {
        match update {
            WatchUpdate::Snapshot { revision, kvs } => {
                self.keys = kvs.into_iter().map(|kv| (kv.key, kv.mod_revision)).collect();
                self.revision = revision;
                self.snapshots += 1;
            }
            WatchUpdate::Changes { revision, changes, coalesced } => {
                assert!(revision > self.revision, "{revision} after {}: in order, and none twice", self.revision);
                self.revision = revision;
                self.coalesced |= coalesced;
                self.told.insert(revision);
                for change in changes {
                    match change {
                        Change::Put(kv) => drop(self.keys.insert(kv.key, kv.mod_revision)),
                        Change::Delete { key, .. } => drop(self.keys.remove(&key)),
                        _ => unreachable!(),
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes updates until the key that ends a test is seen.
    async fn until(&mut self, watch: &mut KvWatch, key: &str) {
        while !self.keys.contains_key(key.as_bytes()) {
            self.update(next(watch).await);
        }
    }

    async fn assert_true(&self, client: &Client, prefix: &str) {
        let listing = client.kv().list(Range::prefix(prefix)).await.expect("list");
        let truth: BTreeMap<_, _> = listing.kvs.into_iter().map(|kv| (kv.key, kv.mod_revision)).collect();
        assert_eq!(self.keys, truth);
    }
}

#[tokio::test]
async fn a_watch_begins_with_what_there_is_and_goes_on_with_every_change() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    client.kv().put("/w/a", "1").await.expect("put");
    let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
    let WatchUpdate::Snapshot { kvs, revision } = next(&mut watch).await else { panic!("a snapshot comes first") };
    assert_eq!(kvs.len(), 1);
    let put = client.kv().put("/w/b", "2").await.expect("put");
    client.kv().put("/other", "x").await.expect("put");
    client.kv().delete("/w/a").await.expect("delete");
    let WatchUpdate::Changes { revision: first, changes, coalesced } = next(&mut watch).await else { panic!("a put") };
    assert_eq!((first, coalesced), (put, false));
    assert!(first > revision && matches!(&changes[..], [Change::Put(kv)] if kv.key == b"/w/b" && kv.version == 1));
    let WatchUpdate::Changes { changes, .. } = next(&mut watch).await else { panic!("a delete") };
    assert!(matches!(&changes[..], [Change::Delete { key, .. }] if key == b"/w/a"));
}

#[tokio::test]
async fn a_watch_that_may_not_read_says_so_once_and_begins_when_it_may() {
    // Enough to connect.
    let auth = Auth::simple(Duration::from_secs(300)).prefix("/go-core/.gocore/");
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let config = ClientConfig::new([server.endpoint()]).user(auth.user.clone(), auth.password.clone());
    let client = Client::connect(config).await.expect("connect");
    let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
    let told = timeout(SOON, watch.next()).await.expect("told").expect_err("it may not");
    assert_eq!(told.kind(), ErrorKind::PermissionDenied, "{told}");
    assert!(told.to_string().contains("kv.watch"), "{told}");
    assert!(timeout(Duration::from_millis(300), watch.next()).await.is_err(), "told once");
    let rights = Permission::read("/w/").with_prefix();
    let granted = server.client().await.auth_client().role_grant_permission(auth.user.as_str(), rights).await;
    granted.expect("an operator gives the rights");
    assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
}

#[tokio::test]
async fn nothing_is_lost_or_told_twice_while_connections_break_and_the_server_restarts() {
    let mut server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (watching, writing) = (client(proxy.endpoint()).await, client(server.endpoint()).await);
    let mut watch = watching.kv().watch(Range::prefix("/w/")).expect("watch");
    let writer = tokio::spawn({
        let writing = writing.clone();
        async move {
            let mut puts = Vec::new();
            for n in 0..600u32 {
                let key = format!("/w/{}", n % 20);
                // A write that failed may have been applied; the picture is compared with what there is in the end.
                match n % 7 {
                    6 => drop(writing.kv().delete(key).await),
                    _ => puts.extend(writing.kv().put(key, n.to_string()).await.ok()),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            puts
        }
    });
    let mut picture = Picture::default();
    picture.update(next(&mut watch).await);
    let begun = picture.revision;
    for n in 0..12 {
        for _ in 0..10 {
            picture.update(next(&mut watch).await);
        }
        if n == 6 {
            server.restart().await;
        } else {
            proxy.drop_connections();
        }
    }
    let puts = writer.await.expect("no panic");
    eventually(SOON, "etcd takes writes", async || writing.kv().put("/w/end", "").await.ok()).await;
    picture.until(&mut watch, "/w/end").await;
    let lost: Vec<_> = puts.into_iter().filter(|put| *put > begun && !picture.told.contains(put)).collect();
    assert_eq!(lost, Vec::<i64>::new());
    picture.assert_true(&writing, "/w/").await;
    assert_eq!(picture.snapshots, 1, "resumed each time, never listed again");
}

#[tokio::test]
async fn after_a_compaction_a_snapshot_tells_what_there_is() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (watching, writing) = (client(proxy.endpoint()).await, client(server.endpoint()).await);
    let mut watch = watching.kv().watch(Range::prefix("/w/")).expect("watch");
    let mut picture = Picture::default();
    writing.kv().put("/w/gone", "").await.expect("put");
    picture.until(&mut watch, "/w/gone").await;
    proxy.cut();
    writing.kv().delete("/w/gone").await.expect("delete");
    let revision = writing.kv().put("/w/end", "").await.expect("put");
    server.client().await.compact(revision, None).await.expect("compact");
    proxy.pass();
    picture.until(&mut watch, "/w/end").await;
    picture.assert_true(&writing, "/w/").await;
    assert_eq!(picture.snapshots, 2);
}

/// The revisions of its history mean something else, whether or not it has come as far again.
#[tokio::test]
async fn after_a_restored_backup_a_snapshot_tells_what_there_is_also_when_the_store_has_overtaken_the_watch() {
    let mut server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (watching, writing) = (client(proxy.endpoint()).await, client(server.endpoint()).await);
    writing.kv().put("/w/kept", "").await.expect("put");
    let backup = server.back_up();
    // Each start is a term of its own.
    server.restart().await;
    server.restart().await;
    let mut watch = watching.kv().watch(Range::prefix("/w/")).expect("watch");
    let mut picture = Picture::default();
    picture.update(next(&mut watch).await);
    for n in 0..10 {
        writing.kv().put(format!("/w/lost{n}"), "").await.expect("put");
    }
    picture.until(&mut watch, "/w/lost9").await;
    proxy.cut();
    server.put_back(backup);
    server.restart().await;
    let mut revision = 0;
    for n in 0.. {
        if revision > picture.revision {
            break;
        }
        revision = writing.kv().put(format!("/w/new{n}"), "").await.expect("put");
    }
    proxy.pass();
    writing.kv().put("/w/end", "").await.expect("put");
    picture.until(&mut watch, "/w/end").await;
    picture.assert_true(&writing, "/w/").await;
    assert_eq!(picture.snapshots, 2);
}

#[tokio::test]
async fn a_consumer_that_sleeps_gets_the_newest_state_and_delays_nobody() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    let kv = client.kv();
    let mut slow = kv.watch(Range::prefix("/w/")).expect("watch");
    let mut quick = kv.watch(Range::prefix("/w/")).expect("watch");
    let (mut slow_picture, mut quick_picture) = (Picture::default(), Picture::default());
    slow_picture.update(next(&mut slow).await);
    // Its events come from here on.
    kv.put("/w/begin", "").await.expect("put");
    slow_picture.until(&mut slow, "/w/begin").await;
    for n in 0..60 {
        // A hundred changes in one revision each, of a hundred keys.
        let puts = (0..100).map(|key| Op::put(format!("/w/{key:02}"), n.to_string()));
        kv.commit(puts.fold(Txn::new(), Txn::then)).await.expect("commit");
    }
    kv.put("/w/end", "").await.expect("put");
    quick_picture.until(&mut quick, "/w/end").await;
    quick_picture.assert_true(&client, "/w/").await;
    slow_picture.until(&mut slow, "/w/end").await;
    slow_picture.assert_true(&client, "/w/").await;
    assert!(slow_picture.coalesced && slow_picture.snapshots == 1);
}

#[tokio::test]
async fn a_prefix_of_any_size_is_read_in_pages_at_one_revision() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    for batch in 0..25 {
        let puts = (0..100).map(|n| Op::put(format!("/w/{batch:02}/{n:02}"), "x"));
        let txn = puts.fold(Txn::new(), Txn::then);
        client.kv().commit(txn).await.expect("commit");
    }
    // One key goes from the beginning to the end and back all the while: at any revision it is once there.
    let moving = client.clone();
    let mover = tokio::spawn(async move {
        let ends = ["/w/0", "/w/9"];
        for turn in 0.. {
            let there = Txn::new().then(Op::put(ends[turn % 2], "")).then(Op::delete(ends[(turn + 1) % 2]));
            moving.kv().commit(there).await.expect("commit");
        }
    });
    eventually(SOON, "it moves", async || client.kv().get("/w/9").await.expect("get")).await;
    for _ in 0..20 {
        let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
        let WatchUpdate::Snapshot { kvs, .. } = next(&mut watch).await else { panic!("a snapshot comes first") };
        assert_eq!(kvs.len(), 2501);
        assert!(kvs.windows(2).all(|pair| pair[0].key < pair[1].key));
    }
    mover.abort();
}

#[tokio::test]
async fn a_watch_whose_member_is_frozen_goes_on_through_another() {
    let cluster = Cluster::start(3).await;
    // No ping finds out.
    let config = ClientConfig::new(cluster.endpoints()).keep_alive(Duration::from_secs(3600), SOON);
    let watching = Client::connect(config).await.expect("connect");
    let writing = Client::connect(ClientConfig::new(cluster.direct_endpoints())).await.expect("connect");
    // A lock's renewals vouch for the member that serves the streams, and find out when it falls silent.
    // A leader that was frozen for longer than what is left of a lease may, as it wakes, still have it revoked: so that is
    // more than a member is frozen for here.
    let lock = watching.lock("k", Duration::from_secs(21)).await.expect("lock");
    let mut watch = watching.kv().watch(Range::prefix("/w/")).expect("watch");
    let mut picture = Picture::default();
    // Whichever serves it, and whichever leads.
    for member in 0..3 {
        cluster.freeze(member);
        let key = format!("/w/{member}");
        eventually(SOON, "etcd takes writes", async || writing.kv().put(key.clone(), "").await.ok()).await;
        picture.until(&mut watch, &key).await;
        cluster.thaw(member);
        eventually(SOON, "the member is back", async || cluster.server(member).is_healthy().await.then_some(())).await;
    }
    assert!(lock.is_held());
    assert_eq!(picture.snapshots, 1);
}

#[tokio::test]
async fn a_thousand_watches_share_few_streams_and_each_gets_its_own_events() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    let mut watches = Vec::new();
    for n in 0..1200 {
        watches.push(client.kv().watch(format!("/w/{n}")).expect("watch"));
    }
    for watch in &mut watches {
        assert!(matches!(next(watch).await, WatchUpdate::Snapshot { .. }));
    }
    for n in [0, 599, 1199] {
        client.kv().put(format!("/w/{n}"), "x").await.expect("put");
        let WatchUpdate::Changes { changes, .. } = next(&mut watches[n]).await else { panic!("a change") };
        assert!(matches!(&changes[..], [Change::Put(kv)] if kv.key == format!("/w/{n}").into_bytes()));
    }
    assert_eq!(server.metrics().await.requests_of("Watch"), 2, "streams");
    drop(watches);
    let unwatched = async || (server.metrics().await.watchers() == 0).then_some(());
    eventually(SOON, "dropped watches are cancelled", unwatched).await;
}

#[tokio::test]
async fn closing_ends_a_watch_and_bad_ranges_are_refused() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    assert_eq!(client.kv().watch("").expect_err("empty").kind(), ErrorKind::InvalidArgument);
    let mut watch = client.kv().watch("k").expect("watch");
    next(&mut watch).await;
    let waiting = tokio::spawn(async move {
        loop {
            if let Err(error) = watch.next().await {
                return error;
            }
        }
    });
    client.close().await.expect("close");
    assert_eq!(timeout(SOON, waiting).await.expect("ended").expect("no panic").kind(), ErrorKind::Closed);
    assert_eq!(client.kv().watch("k").expect_err("closed").kind(), ErrorKind::Closed);
}
