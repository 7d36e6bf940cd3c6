//! What a member that is away costs, in figures: three real members behind proxies, a steady load of gets and puts.

use std::time::{Duration, Instant};

use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::{Cluster, eventually};
use tokio::time::sleep;

use crate::load::Load;
use crate::outage::{DETECTION, Fault, OUTAGE, Outage, Role, SLACK};
use crate::story::{self, leads_after};

/// For a member to be used again: the longest pause between two probes is 2.5 s.
const BACK: Duration = Duration::from_secs(30);
const CALM: Duration = Duration::from_secs(3);

impl Fault {
    fn strike(self, cluster: &mut Cluster, victim: usize) {
        match self {
            Fault::Kill => {
                // Refused from now on, as by a machine whose process died; the proxy alone would accept first.
                cluster.proxy(victim).cut();
                cluster.kill(victim);
            }
            Fault::Freeze => cluster.freeze(victim),
            Fault::BlackHole => {
                cluster.proxy(victim).black_hole();
                cluster.isolate(victim);
            }
        }
    }

    async fn end(self, cluster: &mut Cluster, victim: usize) {
        match self {
            Fault::Kill => {
                cluster.restart(victim).await;
                cluster.proxy(victim).pass();
            }
            Fault::Freeze => cluster.thaw(victim),
            Fault::BlackHole => {
                cluster.heal(victim);
                cluster.proxy(victim).pass();
            }
        }
    }
}

/// A follower is away for 20 s, then the leader: of one cluster, so that six tests do not mean six clusters at once.
async fn outages(fault: Fault) {
    let mut cluster = Cluster::start(3).await;
    for role in [Role::Follower, Role::Leader] {
        outage(&mut cluster, role, fault).await.judge();
    }
}

async fn outage(cluster: &mut Cluster, role: Role, fault: Fault) -> Outage {
    let what = format!("{role:?} {fault:?}");
    let leader = cluster.leader().await;
    let victim = if role == Role::Leader { leader } else { (leader + 1) % 3 };
    let mut endpoints = cluster.endpoints();
    let client = story::client(endpoints.clone()).await;
    endpoints.remove(victim);
    let unconcerned = story::client(endpoints).await;
    let (load, control) = (Load::start(&client), Load::start(&unconcerned));
    sleep(CALM).await;
    let elections = elections(cluster, victim).await;

    fault.strike(cluster, victim);
    let struck = Instant::now();
    let mut settled = struck + DETECTION;
    if role == Role::Leader {
        leads_after(cluster, victim).await;
        println!("{what}: another leader after {:.1?}", struck.elapsed());
        settled = settled.max(Instant::now() + DETECTION);
    }
    sleep((struck + OUTAGE).saturating_duration_since(Instant::now())).await;
    let expected = elections + u64::from(role == Role::Leader);
    let elections = self::elections(cluster, victim).await.saturating_sub(expected);
    let healed = Instant::now();
    fault.end(cluster, victim).await;

    let base = cluster.server(victim).metrics().await;
    let used = async || {
        let now = &cluster.server(victim).metrics().await - &base;
        (now.requests_of("Put") >= 10 && now.requests_of("Range") >= 10).then_some(())
    };
    eventually(BACK, "the member that is back is used again", used).await;
    println!("{what}: used again {:.1?} after its return", healed.elapsed());
    let (outcomes, control) = tokio::join!(load.stop(), control.stop());
    client.close().await.expect("close");
    Outage { what, role, fault, struck, settled, healed, outcomes, control, elections }
}

/// How many leaders the members other than `victim` have seen.
async fn elections(cluster: &Cluster, victim: usize) -> u64 {
    let mut seen = 0.0;
    for member in (0..cluster.size()).filter(|member| *member != victim) {
        seen = f64::max(seen, cluster.server(member).metrics().await.get("etcd_server_leader_changes_seen_total"));
    }
    seen as u64
}

#[tokio::test]
async fn a_killed_member_costs_no_get_and_no_put_but_those_in_flight() {
    outages(Fault::Kill).await;
}

#[tokio::test]
async fn a_frozen_member_costs_no_get_and_no_put_but_those_in_flight_until_it_is_left() {
    outages(Fault::Freeze).await;
}

#[tokio::test]
async fn a_black_holed_member_costs_no_get_and_no_put_but_those_in_flight_until_it_is_left() {
    outages(Fault::BlackHole).await;
}

#[tokio::test]
async fn without_a_quorum_calls_end_at_their_deadline_and_the_first_after_its_return_works() {
    const LIMIT: Duration = Duration::from_secs(3);
    let cluster = Cluster::start(3).await;
    let client = story::client(cluster.endpoints()).await;
    let kv = client.kv().with_timeout(LIMIT);
    kv.put("/k", "before").await.expect("put");
    cluster.freeze(0);
    cluster.freeze(1);
    for round in 0..3 {
        let began = Instant::now();
        let (get, put, took_get) = tokio::join!(kv.get("/k"), kv.put("/k", "during"), async {
            // Whatever it comes to, it is over by then.
            let _ = kv.get("/k").await;
            began.elapsed()
        });
        let took = began.elapsed();
        for error in [get.expect_err("no quorum"), put.expect_err("no quorum")] {
            let kind = error.kind();
            assert!(matches!(kind, ErrorKind::DeadlineExceeded | ErrorKind::Unavailable), "round {round}: {error}");
            assert!(error.is_retryable(), "round {round}: {error}");
            println!("round {round}: {error}");
        }
        assert!(took < LIMIT + SLACK, "round {round}: ended only after {took:?}");
        assert!(took_get > LIMIT / 10 * 9, "round {round}: a read was given up after {took_get:?}");
    }
    cluster.thaw(0);
    cluster.thaw(1);
    cluster.leader().await;
    kv.get("/k").await.expect("the first get after the quorum is back");
    kv.put("/k", "after").await.expect("the first put");
    assert_eq!(kv.get("/k").await.expect("get").expect("there").value, b"after");
}
