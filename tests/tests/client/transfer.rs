//! An operator hands the lead to another member (`etcdctl move-leader`): whoever writes just then waits a moment.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use gocore_etcd_core::{ErrorKind, Kv, Leadership};
use gocore_etcd_tests::{Cluster, ClusterOptions};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::story::client;

/// So that a transfer takes long enough for writes to meet it.
const UNDER_WAY: Duration = Duration::from_millis(10);
/// etcd itself gives up on a write after 7 s.
const IMPATIENT: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(20);

/// Moves the lead about until plain writers, one beside each member, have been refused by it so often.
async fn moved_about(cluster: &Cluster, refusals: u32) {
    let refused = Arc::new(AtomicU32::new(0));
    let mut writers = JoinSet::new();
    for i in 0..cluster.size() {
        let (mut kv, refused) = (cluster.client(i).await.kv_client(), refused.clone());
        writers.spawn(async move {
            loop {
                let put = timeout(IMPATIENT, kv.put("/plain", "v", None));
                let words = put.await.map_or(String::new(), |put| put.err().map_or(String::new(), |e| e.to_string()));
                refused.fetch_add(u32::from(words.contains("raft proposal dropped")), Ordering::Relaxed);
                sleep(Duration::from_millis(1)).await;
            }
        });
    }
    let members = cluster.client(0).await.cluster_client().member_list().await.expect("members");
    let id = |i: usize| {
        let named = members.members().iter().find(|member| member.name() == format!("m{i}"));
        named.expect("a member").id()
    };
    let began = Instant::now();
    while refused.load(Ordering::Relaxed) < refusals {
        assert!(began.elapsed() < LONGEST, "only {refused:?} writes met a transfer");
        let leader = cluster.leader().await;
        let next = id((leader + 1) % cluster.size());
        // It fails when the lead has just moved by itself.
        let moved = cluster.client(leader).await.maintenance_client().move_leader(next).await;
        drop(moved);
    }
}

/// Writes until it is stopped: how often that succeeded, and how often nobody knows.
async fn write(kv: Kv, key: String, stopped: Arc<AtomicBool>) -> (i64, i64) {
    let (mut applied, mut unknown) = (0, 0);
    while !stopped.load(Ordering::Relaxed) {
        match kv.put(key.as_str(), "v").await {
            Ok(_) => applied += 1,
            // A leader drops what a follower passes on in silence.
            Err(error) if error.kind() != ErrorKind::Internal && error.maybe_applied() => unknown += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (applied, unknown)
}

#[tokio::test]
async fn writes_go_on_while_the_lead_is_handed_over_and_none_is_applied_twice() {
    let cluster = Cluster::start_with(ClusterOptions::new(3).peer_delay(UNDER_WAY)).await;
    let ours = client(cluster.direct_endpoints()).await;
    let stopped = Arc::new(AtomicBool::new(false));
    let key = |n: u32| format!("/ours/{n}");
    let kv = ours.kv().with_timeout(IMPATIENT);
    let writers: Vec<_> = (0..8).map(|n| tokio::spawn(write(kv.clone(), key(n), stopped.clone()))).collect();
    moved_about(&cluster, 50).await;
    stopped.store(true, Ordering::Relaxed);
    let mut all = 0;
    for (n, writer) in (0..).zip(writers) {
        let (applied, unknown) = writer.await.expect("every write succeeds, or may have been applied");
        let version = ours.kv().get(key(n)).await.expect("get").map_or(0, |written| written.version);
        println!("{applied} writes, {unknown} of unknown fate, version {version}");
        assert!((applied..=applied + unknown).contains(&version));
        all += applied;
    }
    assert!(all > 0);
}

#[tokio::test]
async fn run_as_leader_goes_on_while_the_lead_is_handed_over() {
    let cluster = Cluster::start_with(ClusterOptions::new(3).peer_delay(UNDER_WAY)).await;
    let ours = client(cluster.direct_endpoints()).await;
    let mut runs = JoinSet::new();
    for n in 0..8 {
        let (ours, key) = (ours.clone(), format!("run{n}"));
        runs.spawn(async move {
            let again = |_: Arc<Leadership>| async { ControlFlow::<()>::Continue(()) };
            ours.run_as_leader(&key, "me", TTL, again).await
        });
    }
    tokio::select! {
        () = moved_about(&cluster, 20) => {}
        ended = runs.join_next() => panic!("{:?}", ended.expect("a run").expect("no panic")),
    }
}
