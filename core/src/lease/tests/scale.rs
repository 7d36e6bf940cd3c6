//! Ten thousand leases, as registrations will have them, through a follower that is a millisecond away from its leader.

use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use gocore_etcd_tests::{Cluster, ClusterOptions, eventually};
use tokio::runtime::Handle;

use super::*;
use crate::client_config::ClientConfig;
use crate::keyspace::Keyspace;
use crate::transport::Transport;

const LEASES: usize = 10_000;
const TTL: Duration = Duration::from_secs(24);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn ten_thousand_leases_cost_ten_streams_and_few_tasks_and_hold_through_a_slow_follower() {
    let cluster = Cluster::start_with(ClusterOptions::new(3).peer_delay(Duration::from_millis(1))).await;
    let follower = cluster.follower().await;
    let config = ClientConfig::new([cluster.server(follower).endpoint()]).request_timeout(Duration::from_secs(60));
    let tasks = Tasks::new();
    let alive = || Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let transport = Transport::connect(&config, &Keyspace::new(""), &tasks).await.expect("connect");
    let door = Door::new(transport, tasks.clone(), config.request_timeout).named("test");
    let leases = Leases::new(door.clone(), tasks.clone());
    let ttl = Ttl::new("test", TTL, TTL).expect("valid");

    let grants = (0..LEASES).map(|_| leases.grant(&door, ttl, Purpose::Exclusion));
    let granted: Vec<Result<Lease>> = stream::iter(grants).buffer_unordered(256).collect().await;
    let granted: Vec<Lease> = granted.into_iter().map(|lease| lease.expect("grant")).collect();
    // For each stream one of ours and two of HTTP's; one for the endpoint, a few for its connections.
    let cost = alive() - before;
    println!("{cost} tasks");
    assert!(cost < 5 * LEASES / LEASES_PER_STREAM, "{cost} tasks");

    // Until each has been renewed at least twice, which is past its first TTL.
    let begun = BootTime::now();
    let renewed_twice = begun.plus(TTL);
    while granted.iter().any(|lease| lease.held_until() < renewed_twice.plus(TTL / 2)) {
        let lost: BTreeMap<_, usize> =
            granted.iter().filter_map(Lease::why_lost).fold(BTreeMap::new(), |mut all, why| {
                *all.entry(why).or_default() += 1;
                all
            });
        assert!(lost.is_empty(), "lost: {lost:?}");
        assert!(BootTime::now() < begun.plus(TTL * 4), "not all are renewed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(granted.iter().all(Lease::is_held));
    let streams = cluster.server(follower).metrics().await.requests_of("LeaseKeepAlive");
    assert_eq!(streams, (LEASES / LEASES_PER_STREAM) as u64, "streams opened in all");
    tasks.shut_down(Duration::ZERO);
    tasks.ended().await;
    drop((leases, door));
    let ended = async || (alive() <= before).then_some(());
    eventually(TTL, "no task is left", ended).await;
}
