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
