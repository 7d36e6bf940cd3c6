//! Never two leaders, in whatever languages they are written, whatever happens to the members, to the networks, to the leading process itself; no write of a
//! leader that was; and observers see it as it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use etcd_client::{GetOptions, SortOrder, SortTarget};
use gocore_etcd_core::Client;
use gocore_etcd_tests::agents::Program;
use gocore_etcd_tests::history::{History, Pair};
use gocore_etcd_tests::story::client;
use gocore_etcd_tests::{Agent, Cluster, Etcd, Log, Proxy, eventually, not_judged, seed};
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::story::{SOON, agent, programs};

const TTL: Duration = Duration::from_secs(2);
/// For the next leader: a TTL, an election among the members, which gives every lease its time anew, a busy machine.
const LATEST: Duration = Duration::from_secs(40);
/// For what is to reach an observer once the network is whole again: the longest pause between two attempts is 2 s, the rest
/// is for a busy machine.
const RECONNECTED: Duration = Duration::from_secs(5);
const QUEUE: &str = "/go-core/elections/k/";
const JOURNAL: &str = "/journal";

/// What happens, to a member, to the leading process, or to an observer.
#[derive(Clone, Copy, Debug)]
enum Fault {
    KillMember,
    FreezeMember,
    FreezeLeadingMember,
    CutMember,
    BlackHoleMember,
    IsolateMember,
    MoveLeader,
    StopProcess,
    KillProcess,
    CutProcess,
    BlackHoleProcess,
    HoldAnswersOfProcess,
    CutObserver,
}

const FAULTS: [Fault; 13] = [
    Fault::KillMember,
    Fault::FreezeMember,
    Fault::FreezeLeadingMember,
    Fault::CutMember,
    Fault::BlackHoleMember,
    Fault::IsolateMember,
    Fault::MoveLeader,
    Fault::StopProcess,
    Fault::KillProcess,
    Fault::CutProcess,
    Fault::BlackHoleProcess,
    Fault::HoldAnswersOfProcess,
    Fault::CutObserver,
];

/// A process that leads whenever it can, with a network of its own.
struct Candidate {
    program: &'static Program,
    identity: String,
    agent: Agent,
    proxies: Vec<Proxy>,
}

impl Candidate {
    async fn begin(cluster: &Cluster, program: &'static Program, nth: u32) -> Candidate {
        let proxies: Vec<_> = cluster.addresses().into_iter().map(Proxy::start).collect();
        let endpoints: Vec<_> = proxies.iter().map(Proxy::endpoint).collect();
        let mut agent = agent(program, "/go-core", &endpoints).await;
        let identity = format!("{}-{nth}", program.language.name());
        let ttl_ms = TTL.as_millis() as u64;
        let stand = json!({"do": "stand", "key": "k", "identity": identity, "ttl_ms": ttl_ms, "journal": JOURNAL});
        agent.send(&stand).expect("the agent listens");
        Candidate { program, identity, agent, proxies }
    }

    fn network(&self, change: fn(&Proxy)) {
        self.proxies.iter().for_each(change);
    }
}

/// From when until when somebody believed to lead.
#[derive(Debug, Default)]
struct Beliefs(BTreeMap<i64, (String, u64, u64)>);

impl Beliefs {
    async fn take(&mut self, candidate: &mut Candidate) {
        while let Ok(Some(event)) = timeout(Duration::from_millis(20), candidate.agent.next()).await {
            let number = |field: &str| event.body[field].as_u64().expect("a number");
            match event.name() {
                "believes" => {
                    let belief = (candidate.identity.clone(), number("from_ns"), number("until_ns"));
                    self.0.insert(event.body["token"].as_i64().expect("a token"), belief);
                }
                // An empty name is a line of its log.
                "leading" | "" => {}
                other => panic!("{}: {other}: {}", candidate.identity, event.body),
            }
        }
    }

    /// No two at once.
    fn judge(&self) {
        let beliefs: Vec<_> = self.0.iter().collect();
        for pair in beliefs.windows(2) {
            let ((a, (_, _, until)), (b, (_, from, _))) = (&pair[0], &pair[1]);
            println!("{a} → {b}: {:.0} ms apart", (*from as f64 - *until as f64) / 1e6);
        }
        let overlaps = |(n, (_, (_, _, until))): (usize, &(&i64, &(String, u64, u64)))| {
            // Later ones have higher tokens, whoever they are.
            beliefs[n + 1..].iter().any(|(_, (_, from, _))| from <= until)
        };
        let both: Vec<_> =
            beliefs.iter().enumerate().filter(|each| overlaps(*each)).map(|(_, belief)| belief).collect();
        assert!(both.is_empty(), "two believed to lead at once: {both:?}\nof {beliefs:?}");
    }
}

/// Collects what an observer sees.
fn observing(client: &Client) -> Arc<Mutex<Vec<Pair>>> {
    let mut observation = client.observe("k").expect("observe");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let all = seen.clone();
    tokio::spawn(async move {
        while let Ok(leader) = observation.next().await {
            all.lock().expect("not poisoned").push(leader.map(|leader| (leader.token, leader.identity)));
        }
    });
    seen
}

/// Who leads, by the plain client of any member that answers.
async fn leading(etcd: &[etcd_client::Client], candidates: &[Candidate]) -> usize {
    let first = || GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend).with_limit(1);
    eventually(LATEST, "somebody leads", async || {
        for etcd in etcd {
            let found = timeout(Duration::from_secs(1), etcd.kv_client().get(QUEUE, Some(first()))).await;
            let Ok(Ok(found)) = found else { continue };
            let identity = String::from_utf8_lossy(found.kvs().first()?.value()).into_owned();
            let identity = identity.split('#').next()?;
            return candidates.iter().position(|candidate| candidate.identity == identity);
        }
        None
    })
    .await
}

async fn move_leader(cluster: &Cluster) {
    let (old, new) = (cluster.leader().await, cluster.follower().await);
    let id = cluster.client(new).await.maintenance_client().status().await.expect("status");
    let id = id.header().expect("a header").member_id();
    cluster.client(old).await.maintenance_client().move_leader(id).await.expect("the leader moves");
}

#[tokio::test]
async fn no_two_lead_at_once_and_every_observer_sees_those_who_did_whatever_happens() {
    let mut rng = seed::rng("leaders");
    let mut cluster = Cluster::start(3).await;
    let log = Log::begin("gocore_etcd_core=info");
    let mut etcd = Vec::new();
    for member in 0..3 {
        etcd.push(cluster.client(member).await);
    }
    let far_network: Vec<_> = cluster.addresses().into_iter().rev().map(Proxy::start).collect();
    let (near, far) = (client(cluster.endpoints()).await, client(far_network.iter().map(Proxy::endpoint)).await);
    let observers = [("near", observing(&near)), ("far", observing(&far))];
    let observer = programs().last().expect("there is a program");
    let mut process = agent(observer, "/go-core", &cluster.endpoints()).await;
    process.send(&json!({"do": "observe", "key": "k"})).expect("the agent listens");
    process.expect("observed", SOON).await;
    let mut candidates = Vec::new();
    for program in programs() {
        candidates.push(Candidate::begin(&cluster, program, 0).await);
    }

    let (mut beliefs, mut deck) = (Beliefs::default(), Vec::new());
    for round in 0..seed::faults(FAULTS.len() as u32) {
        if deck.is_empty() {
            deck = FAULTS.to_vec();
            rng.shuffle(&mut deck);
        }
        let fault = deck.pop().expect("a card");
        let leader = leading(&etcd, &candidates).await;
        sleep(TTL.mul_f64(rng.f64() / 2.0)).await;
        let (member, lasting) = (rng.usize(..3), TTL.mul_f64(0.3 + 1.3 * rng.f64()));
        println!("round {round}: {fault:?} for {lasting:?}; {} leads, member {member}", candidates[leader].identity);
        match fault {
            Fault::KillMember => {
                cluster.kill(member);
                sleep(lasting).await;
                cluster.restart(member).await;
            }
            Fault::FreezeMember | Fault::FreezeLeadingMember => {
                let member = if matches!(fault, Fault::FreezeMember) { member } else { cluster.leader().await };
                cluster.freeze(member);
                sleep(lasting).await;
                cluster.thaw(member);
            }
            Fault::CutMember | Fault::BlackHoleMember => {
                if matches!(fault, Fault::CutMember) {
                    cluster.proxy(member).cut()
                } else {
                    cluster.proxy(member).black_hole()
                }
                sleep(lasting).await;
                cluster.proxy(member).pass();
            }
            Fault::IsolateMember => {
                cluster.isolate(member);
                sleep(lasting).await;
                cluster.heal(member);
            }
            Fault::MoveLeader => move_leader(&cluster).await,
            Fault::CutObserver => {
                far_network.iter().for_each(Proxy::cut);
                sleep(lasting).await;
                far_network.iter().for_each(Proxy::pass);
            }
            Fault::StopProcess => {
                candidates[leader].agent.freeze();
                sleep(lasting * 2).await;
                candidates[leader].agent.thaw();
            }
            Fault::KillProcess => {
                candidates[leader].agent.kill();
                beliefs.take(&mut candidates[leader]).await;
                candidates[leader] = Candidate::begin(&cluster, candidates[leader].program, round + 1).await;
            }
            Fault::CutProcess | Fault::BlackHoleProcess | Fault::HoldAnswersOfProcess => {
                candidates[leader].network(match fault {
                    Fault::CutProcess => Proxy::cut,
                    Fault::BlackHoleProcess => Proxy::black_hole,
                    _ => Proxy::hold_answers,
                });
                sleep(lasting * 2).await;
                candidates[leader].network(Proxy::pass);
            }
        }
        for candidate in &mut candidates {
            beliefs.take(candidate).await;
        }
    }

    leading(&etcd, &candidates).await;
    for candidate in &mut candidates {
        candidate.agent.kill();
        beliefs.take(candidate).await;
    }
    // They expire, and then there is nobody.
    let nobody = async || timeout(SOON, near.leader("k")).await.ok()?.ok()?.is_none().then_some(());
    eventually(LATEST, "nobody leads", nobody).await;
    // Somebody of whom all must have heard before the end: who has heard nothing for long has not seen the end either.
    let marker = timeout(LATEST, near.campaign("k", "marker#1", TTL)).await.expect("soon").expect("campaign");
    let end = [Some((marker.token(), "marker#1".to_owned())), None];
    marker.resign().await.expect("resign");
    for (who, seen) in &observers {
        let ended = async || seen.lock().expect("not poisoned").ends_with(&end).then_some(());
        eventually(RECONNECTED, &format!("{who} sees the last leader come and go"), ended).await;
    }
    let mut told = vec![None];
    let all_told = async {
        while !told.ends_with(&end) {
            let event = process.next().await.expect("the agent goes on");
            if event.name() == "observed" {
                let identity = || event.body["identity"].as_str().expect("text").to_owned();
                told.push(event.body["token"].as_i64().map(|token| (token, identity())));
            }
        }
    };
    timeout(RECONNECTED, all_told).await.expect("the process sees the last leader come and go");
    let history = History::replay(&etcd[0], QUEUE, JOURNAL).await;
    judge(&history, &beliefs);

    // A watch that goes on after a disconnect misses nothing. Only one that had to begin anew may, what was meanwhile: where
    // it resumed on a member that lagged behind the one before, for there was no compaction.
    let began_anew = log.lines(&["watch resynced", QUEUE]);
    println!("began anew: {began_anew:?}");
    let may_miss = if began_anew.is_empty() { 0 } else { history.led.len() / 4 };
    for (who, seen) in &observers {
        let missed = history.judge(who, &seen.lock().expect("not poisoned"));
        assert!(missed <= may_miss, "{who} has missed {missed}: {began_anew:?}");
    }
    // Of this one we do not know whether it had to.
    let missed = history.judge("the process", &told);
    assert!(missed <= history.led.len() / 4, "the process has missed {missed}");
    let mut late = far.observe("k").expect("observe");
    assert_eq!(late.next().await.expect("observing goes on"), None);
}

fn judge(history: &History, beliefs: &Beliefs) {
    assert!(!history.journal.is_empty() && beliefs.0.len() > 1);
    for (token, leader) in &history.journal {
        assert_eq!(Some(*token), *leader, "a write of who did not lead: {:?}", history.journal);
    }
    // Of each leadership the proclamations are numbered: none overwrites a later one.
    let mut last = (0, 0);
    for (token, identity) in history.led.iter().flatten() {
        let number = identity.split_once('#').map_or(0, |(_, number)| number.parse::<u64>().expect("a number"));
        assert!((*token, number) >= last, "{identity} after {last:?}: {:?}", history.led);
        last = (*token, number);
    }
    println!("{} leaderships, {} guarded writes, {} states", beliefs.0.len(), history.journal.len(), history.led.len());
    if !Etcd::find().has_lease_fixes() {
        return not_judged("leaders", "this etcd lacks the lease fixes");
    }
    beliefs.judge();
}
