//! Members that fall silent without a word, and a client that sends them nothing: no lock's renewals, no requests.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, KvWatch, Range, WatchUpdate};
use gocore_etcd_tests::{Cluster, eventually};
use tokio::time::{Instant, timeout};

use crate::{SOON, next};

/// Longer than any test.
const NEVER: Duration = Duration::from_secs(3600);
/// The shortest that a configuration may have.
const PING: Duration = Duration::from_secs(5);
const PONG: Duration = Duration::from_secs(1);

/// A client's only watch, and the member that serves it.
async fn watched(cluster: &Cluster, ping: Duration) -> (KvWatch, usize) {
    let config = ClientConfig::new(cluster.endpoints()).keep_alive(ping, PONG);
    let client = Client::connect(config).await.expect("connect");
    let mut watch = client.kv().watch(Range::prefix("/w/")).expect("watch");
    assert!(matches!(next(&mut watch).await, WatchUpdate::Snapshot { .. }));
    let serves = async || {
        for member in 0..cluster.size() {
            if cluster.server(member).metrics().await.watchers() > 0 {
                return Some(member);
            }
        }
        None
    };
    (watch, eventually(SOON, "a member serves the watch", serves).await)
}

/// Puts a key through the others; gives how long it takes until the watch tells of it.
async fn told_through_the_others(cluster: &Cluster, watch: &mut KvWatch, silent: usize) -> Duration {
    let others = cluster.direct_endpoints().into_iter().enumerate().filter(|(member, _)| *member != silent);
    let others = ClientConfig::new(others.map(|(_, endpoint)| endpoint)).dial_timeout(SOON);
    let others = Client::connect(others).await.expect("connect");
    let put = async || others.kv().put("/w/k", "v").await.ok();
    let revision = eventually(SOON, "the others take writes", put).await;
    let since = Instant::now();
    let update = timeout(2 * SOON, next(watch)).await.expect("told, although the member is still silent");
    let told = match update {
        WatchUpdate::Changes { revision, .. } => revision,
        other => panic!("{other:?}"),
    };
    // An earlier attempt may have been applied too.
    assert!(told <= revision);
    println!("told after {:?}", since.elapsed());
    since.elapsed()
}

#[tokio::test]
async fn a_watch_whose_member_has_lost_the_others_goes_on_through_one_that_has_not() {
    let cluster = Cluster::start(3).await;
    // It answers pings, as it is well.
    let (mut watch, member) = watched(&cluster, NEVER).await;
    cluster.isolate(member);
    told_through_the_others(&cluster, &mut watch, member).await;
    assert!(!cluster.server(member).metrics().await.has_leader(), "it is still alone");
}

#[tokio::test]
async fn a_watch_alone_on_a_dead_connection_is_found_out_by_pings() {
    let cluster = Cluster::start(3).await;
    let (mut watch, member) = watched(&cluster, PING).await;
    // The connection stays, and nothing comes of it.
    cluster.proxy(member).black_hole();
    let took = told_through_the_others(&cluster, &mut watch, member).await;
    assert!(took < PING + PONG + SOON / 2, "{took:?}");

    let cluster = Cluster::start(3).await;
    let (mut watch, member) = watched(&cluster, PING).await;
    cluster.freeze(member);
    told_through_the_others(&cluster, &mut watch, member).await;
    cluster.thaw(member);
}
