//! A lock is lost here before the server gives it away, in every language: the holder is a process of its own, the
//! deletion of its key is seen by a plain client on a healthy path, and both say when, on the clock that they share.

use std::pin::pin;
use std::time::Duration;

use gocore_etcd_tests::agents::Program;
use gocore_etcd_tests::story::{at, deletion};
use gocore_etcd_tests::{Agent, Cluster, Etcd, Proxy, Server, clock, not_judged, seed};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::story::{SOON, agent, ask, ask_lock, is_held, programs, says_held};

/// For everything until the server has given the lock away: the TTL, an election, and a busy machine.
const LATEST: Duration = Duration::from_secs(30);

/// So many holders at a time, one a language: a long run must not make them slow by their number.
const AT_A_TIME: usize = 5;
/// How many in all, if the run does not say.
const HOLDERS: u32 = 10;

/// What chance gives a round: who holds, for how long, and when the fault falls, anywhere between two renewals.
#[derive(Clone)]
struct Chance {
    name: String,
    program: &'static Program,
    ttl: Duration,
    moment: Duration,
}

/// A process that holds a lock below a prefix of its own, and who sees it deleted.
struct Round {
    name: String,
    holder: Agent,
    deleted: JoinHandle<Duration>,
}

/// What came of a round: when the fault began, when the holder knew, when the server had given the lock away.
struct Verdict {
    name: String,
    fault: Duration,
    lost: Duration,
    deleted: Duration,
}

impl Round {
    async fn begin(chance: Chance, endpoints: &[String], observer: &etcd_client::Client) -> Round {
        let Chance { name, program, ttl, .. } = chance;
        let prefix = format!("/{name}");
        let deleted = deletion(observer, &format!("{prefix}/locks/")).await;
        let mut holder = agent(program, &prefix, endpoints).await;
        ask_lock(&mut holder, ttl);
        holder.expect("acquired", SOON).await;
        Round { name, holder, deleted }
    }

    async fn end(mut self, fault: Duration) -> Verdict {
        let lost = at(&self.holder.expect("lost", LATEST).await);
        let deleted = timeout(LATEST, self.deleted).await.expect("deleted in time").expect("the observer goes on");
        assert!(!is_held(&mut self.holder).await, "{}: what is lost stays lost", self.name);
        Verdict { name: self.name, fault, lost, deleted }
    }
}

/// Holders of all languages and of two TTLs, in turn.
fn chances(scenario: &str) -> Vec<Chance> {
    let mut rng = seed::rng(scenario);
    let holders = (0..seed::rounds(HOLDERS)).zip(programs().iter().cycle());
    let chance = |(n, program): (u32, &'static Program)| {
        let ttl = Duration::from_secs(2 + u64::from(n % 2));
        let name = format!("{scenario}-{n}-{}", program.language.name());
        Chance { name, program, ttl, moment: ttl.mul_f64(rng.f64()) }
    };
    holders.map(chance).collect()
}

/// 0 late.
fn judge(scenario: &str, verdicts: Vec<Verdict>) {
    for Verdict { name, fault, lost, deleted } in &verdicts {
        let since = |later: &Duration, earlier: &Duration| (later.as_secs_f64() - earlier.as_secs_f64()) * 1e3;
        let (after, early) = (since(lost, fault), since(deleted, lost));
        println!("{name}: lost {after:.0} ms after the fault, {early:.0} ms before it was deleted");
    }
    // A machine that stands still for a TTL may lose a lock in calm; as a rule it is the fault that does it.
    let hit = verdicts.iter().filter(|verdict| verdict.lost > verdict.fault).count();
    assert!(hit * 2 > verdicts.len(), "only {hit} of {} locks were lost by the fault", verdicts.len());
    if !Etcd::find().has_lease_fixes() {
        return not_judged(scenario, "this etcd lacks the lease fixes");
    }
    let late: Vec<_> = verdicts.iter().filter(|verdict| verdict.lost > verdict.deleted).map(|v| &v.name).collect();
    assert!(late.is_empty(), "the server had given the lock away before its holder knew: {late:?}");
}

/// Several holders at once, each behind a proxy of its own, each hit at a moment of its own. Where each byte takes
/// `delay`, the TTL is long enough for that.
async fn holders_behind_proxies(scenario: &'static str, delay: Duration, fault: fn(&Proxy)) {
    let server = Server::plain().await;
    let observer = server.client().await;
    let mut verdicts = Vec::new();
    for batch in chances(scenario).chunks(AT_A_TIME) {
        let mut rounds = JoinSet::new();
        for mut chance in batch.iter().cloned() {
            chance.ttl = chance.ttl.max(delay * 16);
            let (observer, proxy) = (observer.clone(), Proxy::start(server.address()));
            if !delay.is_zero() {
                proxy.delay(delay);
            }
            rounds.spawn(async move {
                let moment = chance.moment;
                let round = Round::begin(chance, &[proxy.endpoint()], &observer).await;
                sleep(moment).await;
                let began = clock::boottime();
                fault(&proxy);
                round.end(began).await
            });
        }
        verdicts.extend(rounds.join_all().await);
    }
    judge(scenario, verdicts);
}

#[tokio::test]
async fn a_holder_whose_connections_are_cut_knows_before_the_server_gives_the_lock_away() {
    holders_behind_proxies("cut", Duration::ZERO, Proxy::cut).await;
}

#[tokio::test]
async fn a_holder_in_a_black_hole_knows_before_the_server_gives_the_lock_away() {
    holders_behind_proxies("black-hole", Duration::ZERO, Proxy::black_hole).await;
}

#[tokio::test]
async fn a_holder_on_a_slow_path_counts_from_the_sending_and_knows_before_the_server_gives_the_lock_away() {
    // An answer is so old when it comes that the server is this much ahead of whoever counts from its receipt.
    holders_behind_proxies("slow-path", Duration::from_millis(400), Proxy::cut).await;
}

#[tokio::test]
async fn a_holder_whose_member_is_frozen_knows_before_the_others_give_the_lock_away() {
    let cluster = Cluster::start(3).await;
    let mut verdicts = Vec::new();
    for (n, batch) in chances("frozen-member").chunks(AT_A_TIME).enumerate() {
        // A follower, then the leader: the next leader starts every lease anew, so that takes longer.
        let leader = cluster.leader().await;
        let member = if n % 2 == 0 { (leader + 1) % 3 } else { leader };
        let observer = cluster.client((leader + 2) % 3).await;
        let mut rounds = Vec::new();
        for chance in batch.iter().cloned() {
            // Their renewals fall apart.
            sleep(chance.moment / 5).await;
            rounds.push(Round::begin(chance, &[cluster.endpoints()[member].clone()], &observer).await);
        }
        let began = clock::boottime();
        cluster.freeze(member);
        for round in rounds {
            verdicts.push(round.end(began).await);
        }
        cluster.thaw(member);
    }
    judge("frozen member", verdicts);
}

#[tokio::test]
async fn a_holder_that_was_stopped_for_its_ttl_says_at_once_that_it_holds_no_longer() {
    let server = Server::plain().await;
    let observer = server.client().await;
    for batch in chances("stopped").chunks(AT_A_TIME) {
        let mut rounds = JoinSet::new();
        for chance in batch.iter().cloned() {
            let (observer, endpoint) = (observer.clone(), server.endpoint());
            rounds.spawn(async move {
                let Chance { ttl, moment, .. } = chance;
                let round = Round::begin(chance, &[endpoint], &observer).await;
                sleep(moment).await;
                stop_and_continue(round, ttl).await;
            });
        }
        rounds.join_all().await;
    }
}

/// Stops a holder until its time is over; whatever it says first after that must not be that it holds.
async fn stop_and_continue(Round { name, mut holder, deleted }: Round, ttl: Duration) {
    assert!(is_held(&mut holder).await, "{name}: nothing has happened yet");
    holder.freeze();
    // Either the server has given the lock away, or it is about to: the holder's time is over in any case.
    let given_away = async { timeout(LATEST, deleted).await.expect("deleted in time").expect("the observer goes on") };
    let mut given_away = pin!(given_away);
    let before = ttl.as_secs() == 2;
    if before {
        given_away.as_mut().await;
    } else {
        sleep(ttl).await;
    }
    ask(&mut holder, json!({"do": "is_held"}));
    holder.thaw();
    assert!(!says_held(&holder.expect("held", SOON).await), "{name}: believed after its time");
    holder.expect("lost", SOON).await;
    if !before {
        given_away.await;
    }
    ask(&mut holder, json!({"do": "put", "key": format!("/{name}/data"), "value": "stale"}));
    assert_eq!(holder.expect("failed", SOON).await.body["kind"], "Lost", "{name}: etcd refuses its write");
}
