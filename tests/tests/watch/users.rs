//! Watches of a user: tokens that the stream has outlived, and users that are there no longer.

use gocore_etcd_tests::{Etcd, not_run};

use super::*;

/// Nothing prolongs a token of 2 s for so long: it is over (etcd looks once a second).
const LIFE: Duration = Duration::from_secs(2);
const EXPIRED: Duration = Duration::from_secs(4);

fn worker(endpoint: String, auth: &Auth) -> ClientConfig {
    ClientConfig::new([endpoint]).user(auth.user.clone(), auth.password.clone())
}

/// Before 3.5.6 etcd calls a stale token a want of rights (etcd #14547), and an open stream keeps the token it has.
#[tokio::test]
async fn on_an_old_server_a_watch_begins_also_on_a_stream_that_has_outlived_its_token() {
    let etcd = match Etcd::old() {
        Ok(etcd) => etcd,
        Err(why) => return not_run("watches on an old server with authentication", &why),
    };
    let auth = Auth::simple(LIFE);
    let server = Server::start(ServerOptions::new().etcd(etcd).auth(auth.clone())).await;
    let client = Client::connect(worker(server.endpoint(), &auth)).await.expect("connect");
    let mut first = client.kv().watch("/go-core/first").expect("watch");
    assert!(matches!(next(&mut first).await, WatchUpdate::Snapshot { .. }));
    let watched = async || (server.metrics().await.watchers() >= 1).then_some(());
    eventually(SOON, "the stream is open", watched).await;
    tokio::time::sleep(EXPIRED).await;

    let mut second = client.kv().watch("/go-core/second").expect("watch");
    let mut snapshots = 0;
    let told = loop {
        let putting = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            client.kv().put("/go-core/second", "").await.expect("put")
        };
        // Each put is a change, until one is told.
        tokio::select! {
            update = next(&mut second) => match update {
                WatchUpdate::Snapshot { .. } => snapshots += 1,
                WatchUpdate::Changes { revision, .. } => break revision,
                _ => {}
            },
            _ = putting => {}
        }
        assert!(snapshots < 5, "read again and again, never watched");
    };
    println!("told of {told} after {snapshots} snapshots");
    let put = client.kv().put("/go-core/first", "").await.expect("put");
    let WatchUpdate::Changes { revision, .. } = next(&mut first).await else { panic!("resumed, not listed again") };
    assert_eq!(revision, put, "the first goes on");
}

/// It says Unauthenticated once, and then nothing but that it is not connected.
async fn told_once<T: std::fmt::Debug>(
    mut next: impl AsyncFnMut() -> gocore_etcd_core::Result<T>,
    of_no_account: impl Fn(&T) -> bool,
) {
    let told = loop {
        match timeout(SOON, next()).await.expect("told") {
            Ok(update) => assert!(of_no_account(&update), "{update:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!(told.kind(), ErrorKind::Unauthenticated, "{told}");
    let again = async {
        loop {
            match next().await {
                Ok(update) if of_no_account(&update) => {}
                other => return other,
            }
        }
    };
    let again = timeout(Duration::from_secs(3), again).await;
    assert!(again.is_err(), "told once: {again:?}");
}

fn is_connection(update: &WatchUpdate) -> bool {
    matches!(update, WatchUpdate::Connected(_))
}

#[tokio::test]
async fn a_user_who_is_removed_under_a_watch_is_told_once_and_the_watch_goes_on_when_given_back() {
    let auth = Auth::simple(Duration::from_secs(300));
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let proxy = Proxy::start(server.address());
    let client = Client::connect(worker(proxy.endpoint(), &auth)).await.expect("connect");
    let mut watch = client.kv().watch(Range::prefix("/go-core/w/")).expect("watch");
    let mut observation = client.observe("k").expect("observe");
    assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
    assert_eq!(timeout(SOON, observation.next()).await.expect("in time").expect("first"), None);
    let watched = async || (server.metrics().await.watchers() >= 2).then_some(());
    eventually(SOON, "both are watched", watched).await;

    let mut operator = server.client().await.auth_client();
    operator.user_delete(auth.user.as_str()).await.expect("an operator removes the user");
    proxy.drop_connections();
    tokio::join!(
        told_once(async || watch.next().await, is_connection),
        told_once(async || observation.next().await, |_| false),
    );

    operator.user_add(auth.user.as_str(), auth.password.as_str(), None).await.expect("and gives it back");
    operator.user_grant_role(auth.user.as_str(), auth.user.as_str()).await.expect("with its role");
    assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
    let put = client.kv().put("/go-core/w/a", "").await.expect("put");
    let WatchUpdate::Changes { revision, .. } = next(&mut watch).await else { panic!("a change") };
    assert_eq!(revision, put);
    let leadership = client.campaign("k", "me", Duration::from_secs(30)).await.expect("campaign");
    let leader = timeout(SOON, observation.next()).await.expect("in time").expect("goes on");
    assert_eq!(leader.map(|leader| leader.token), Some(leadership.token()));
}

#[tokio::test]
async fn a_client_without_a_user_is_told_once_when_authentication_is_switched_on_under_its_watch() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let client = client(proxy.endpoint()).await;
    let mut watch = client.kv().watch("/k").expect("watch");
    assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
    let watched = async || (server.metrics().await.watchers() >= 1).then_some(());
    eventually(SOON, "it is watched", watched).await;
    let mut operator = server.client().await.auth_client();
    operator.user_add("root", "secret", None).await.expect("user");
    operator.user_grant_role("root", "root").await.expect("role");
    operator.auth_enable().await.expect("an operator switches authentication on");
    proxy.drop_connections();
    told_once(async || watch.next().await, is_connection).await;
}
