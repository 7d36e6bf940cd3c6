//! Attempts whose answer is lost or that are given up: in the end nothing of them is left, and nothing else suffers.

use std::time::Duration;

use etcd_client::Permission;
use gocore_etcd_core::{Client, ClientConfig, Lock};
use gocore_etcd_tests::{Auth, Cluster, Proxy, Server, ServerOptions, eventually, seed};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::story::{SOON, client, client_of, contenders, outcome, until_contenders, until_free, waiting};

const TTL: Duration = Duration::from_secs(20);
/// Short, so that an answer counts as lost soon.
const REQUEST: Duration = Duration::from_millis(1500);
/// Well below what a request may take at most, 8 s.
const LIMIT: Duration = Duration::from_secs(6);

/// A client behind a proxy, with a lock of the same session; others on a healthy path.
struct Behind {
    _server: Server,
    proxy: Proxy,
    ours: Client,
    neighbour: Lock,
    other: Client,
    etcd: etcd_client::Client,
}

async fn impatient(endpoints: Vec<String>) -> Client {
    Client::connect(ClientConfig::new(endpoints).request_timeout(REQUEST)).await.expect("connect")
}

impl Behind {
    async fn begin() -> Behind {
        let server = Server::plain().await;
        let proxy = Proxy::start(server.address());
        let ours = impatient(vec![proxy.endpoint()]).await;
        let neighbour = ours.lock("neighbour", TTL).await.expect("lock");
        let (other, etcd) = (client_of(&server).await, server.client().await);
        Behind { _server: server, proxy, ours, neighbour, other, etcd }
    }

    /// Nothing is left of the attempt, and nobody else has suffered.
    async fn nothing_is_left(&self) {
        until_free(&self.other, "k", TTL).await;
        until_contenders(&self.etcd, "k", 0).await;
        assert!(self.neighbour.is_held(), "the session and its other locks live on");
        self.neighbour.put("/data", "mine").await.expect("as etcd sees it, too");
    }
}

#[tokio::test]
async fn an_attempt_dropped_before_its_answer_came_leaves_no_contender() {
    let behind = Behind::begin().await;
    for _ in 0..3 {
        behind.proxy.hold_answers();
        let attempt = waiting(&behind.ours, "k", TTL);
        until_contenders(&behind.etcd, "k", 1).await;
        attempt.abort();
        behind.proxy.pass();
        behind.nothing_is_left().await;
    }
}

#[tokio::test]
async fn an_attempt_dropped_while_its_request_is_under_way_leaves_no_contender_when_it_arrives() {
    let behind = Behind::begin().await;
    for _ in 0..3 {
        let before = behind.proxy.traffic().requested;
        behind.proxy.hold_requests();
        assert!(timeout(Duration::from_millis(50), behind.ours.lock("k", TTL)).await.is_err());
        assert!(timeout(Duration::from_millis(50), behind.ours.try_lock("k", TTL)).await.is_err());
        assert_eq!(behind.proxy.traffic().requested, before);
        behind.proxy.pass();
        behind.nothing_is_left().await;
    }
}

#[tokio::test]
async fn an_attempt_whose_answer_is_lost_finds_out_that_it_has_the_lock() {
    let behind = Behind::begin().await;
    behind.proxy.hold_answers();
    let attempt = waiting(&behind.ours, "k", TTL);
    until_contenders(&behind.etcd, "k", 1).await;
    sleep(REQUEST).await;
    // The answer itself is never seen: it is lost with its connection.
    behind.proxy.drop_connections();
    behind.proxy.pass();
    let lock = outcome(attempt).await.expect("it is ours");
    assert_eq!(contenders(&behind.etcd, "k").await.len(), 1, "one contender, not a second one");
    assert!(behind.other.try_lock("k", TTL).await.expect("try_lock").is_none());
    lock.put("/data", "mine").await.expect("held");
    lock.unlock().await.expect("unlock");
    behind.nothing_is_left().await;
}

#[tokio::test]
async fn a_waiter_whose_answer_is_lost_keeps_its_place_and_one_that_is_dropped_leaves_it() {
    let behind = Behind::begin().await;
    let held = behind.other.lock("k", TTL).await.expect("lock");
    behind.proxy.hold_answers();
    let (keeps, leaves) = (waiting(&behind.ours, "k", TTL), waiting(&behind.ours, "k", TTL));
    until_contenders(&behind.etcd, "k", 3).await;
    sleep(REQUEST).await;
    leaves.abort();
    behind.proxy.drop_connections();
    behind.proxy.pass();
    until_contenders(&behind.etcd, "k", 2).await;
    held.unlock().await.expect("unlock");
    outcome(keeps).await.expect("its turn").unlock().await.expect("unlock");
    behind.nothing_is_left().await;
}

#[tokio::test]
async fn an_unlock_whose_answer_is_lost_is_settled_and_the_next_has_the_lock() {
    let behind = Behind::begin().await;
    let lock = behind.ours.lock("k", TTL).await.expect("lock");
    behind.proxy.hold_answers();
    let unlocking = tokio::spawn(async move { (lock.unlock().await, lock) });
    until_contenders(&behind.etcd, "k", 0).await;
    sleep(REQUEST / 2).await;
    behind.proxy.drop_connections();
    behind.proxy.pass();
    let (unlocked, lock) = timeout(SOON, unlocking).await.expect("ended").expect("no panic");
    // Whether it could be settled within its time or not, asking again says what became of it.
    drop(unlocked);
    lock.unlock().await.expect("it was our own doing");
    behind.nothing_is_left().await;
}

#[tokio::test]
async fn what_lasts_longer_than_the_ttl_ends_the_session_and_leaves_nothing() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (ours, other) = (impatient(vec![proxy.endpoint()]).await, client_of(&server).await);
    let ttl = Duration::from_secs(2);
    let neighbour = ours.lock("neighbour", ttl).await.expect("lock");
    proxy.hold_answers();
    let attempt = waiting(&ours, "k", ttl);
    until_contenders(&server.client().await, "k", 1).await;
    timeout(SOON, neighbour.lost()).await.expect("the session is lost");
    attempt.abort();
    proxy.pass();
    until_free(&other, "k", ttl).await;
    assert!(ours.lock("k", ttl).await.expect("a new session").is_held());
}

/// Attempts that are held in a frozen member while everything is read back and settled through the others.
async fn attempts_in_a_frozen_member(give_up: bool) {
    let cluster = Cluster::start(3).await;
    for round in 0..seed::rounds(2) {
        let leader = cluster.leader().await;
        let (member, healthy) = ((leader + 1) % 3, (leader + 2) % 3);
        let (etcd, other) =
            (cluster.client(healthy).await, client([cluster.direct_endpoints()[healthy].clone()]).await);
        let pair = vec![cluster.endpoints()[member].clone(), cluster.endpoints()[healthy].clone()];
        let ours = impatient(pair).await;
        let neighbour = ours.lock("neighbour", TTL).await.expect("lock");
        cluster.freeze(member);
        let names: Vec<String> = (0..6).map(|n| format!("k{round}-{n}")).collect();
        let mut attempts: Vec<_> = names.iter().map(|name| waiting(&ours, name, TTL)).collect();
        if give_up {
            // Some have their answer by now, the others are in the frozen member.
            sleep(Duration::from_millis(300)).await;
            attempts.drain(..).for_each(|attempt| attempt.abort());
            for name in &names {
                until_contenders(&etcd, name, 0).await;
            }
        }
        let mut locks = Vec::new();
        if give_up {
            // Under the names of those that were withdrawn: what the frozen member still holds must not take these.
            for name in &names {
                locks.push(ours.lock(name, TTL).await.expect("again"));
            }
        }
        for attempt in attempts {
            locks.push(outcome(attempt).await.expect("settled through the other member"));
        }
        cluster.thaw(member);
        // Its requests are older than this read, which it answers after them.
        let awake = cluster.client(member).await;
        eventually(SOON, "the member is back", async || awake.kv_client().get("x", None).await.ok()).await;
        let before = keyed(&etcd, &names).await;
        sleep(Duration::from_millis(500)).await;
        assert_eq!(keyed(&etcd, &names).await, before, "nothing lands late");
        assert_eq!(before, names.iter().map(|_| locks.len() / names.len()).collect::<Vec<_>>());
        assert!(neighbour.is_held() && locks.iter().all(Lock::is_held), "round {round}");
        for lock in locks {
            lock.unlock().await.expect("unlock");
        }
        for name in &names {
            until_free(&other, name, TTL).await;
        }
        neighbour.unlock().await.expect("unlock");
    }
}

/// How many contenders each has.
async fn keyed(etcd: &etcd_client::Client, names: &[String]) -> Vec<usize> {
    let mut counts = Vec::new();
    for name in names {
        counts.push(contenders(etcd, name).await.len());
    }
    counts
}

#[tokio::test]
async fn an_attempt_held_in_a_frozen_member_until_after_it_was_withdrawn_does_not_land() {
    Box::pin(attempts_in_a_frozen_member(true)).await;
}

#[tokio::test]
async fn an_attempt_held_in_a_frozen_member_ends_with_one_contender_and_the_lock() {
    Box::pin(attempts_in_a_frozen_member(false)).await;
}

/// A delete is in the air once, so that in the frozen member it would be waited for until the request's own limit.
#[tokio::test]
async fn an_unlock_and_a_lock_held_in_a_frozen_member_go_another_way_while_the_others_are_well() {
    let cluster = Cluster::start(3).await;
    let leader = cluster.leader().await;
    let (member, healthy) = ((leader + 1) % 3, (leader + 2) % 3);
    let other = client([cluster.direct_endpoints()[healthy].clone()]).await;
    for first in [member, healthy] {
        // Whichever it is at home at, one of the two is.
        let second = member + healthy - first;
        let ours = client([cluster.endpoints()[first].clone(), cluster.endpoints()[second].clone()]).await;
        let names: Vec<String> = (0..4).map(|n| format!("k{n}")).collect();
        let mut locks = Vec::new();
        for name in &names {
            locks.push(ours.lock(name, TTL).await.expect("lock"));
        }
        cluster.freeze(member);
        let unlocking: JoinSet<_> = locks.into_iter().map(|lock| async move { lock.unlock().await }).collect();
        let locking: Vec<_> = (0..4).map(|n| waiting(&ours, &format!("new{n}"), TTL)).collect();
        let unlocked = timeout(LIMIT, unlocking.join_all()).await.expect("long before its limit");
        unlocked.into_iter().for_each(|unlocked| unlocked.expect("unlock"));
        for name in &names {
            until_free(&other, name, TTL).await;
        }
        for locked in locking {
            assert!(timeout(LIMIT, locked).await.expect("locking too").expect("no panic").expect("lock").is_held());
        }
        cluster.thaw(member);
    }
}

/// What etcd does not let go, although it lets the lease be renewed.
#[tokio::test]
async fn a_lock_that_cannot_be_given_back_ends_the_session_rather_than_being_kept_alive() {
    let auth = Auth::simple(Duration::from_secs(300)).prefix("/go-core/.gocore/");
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let mut operator = server.client().await.auth_client();
    let locks = Permission::read_write("/go-core/locks/").with_prefix();
    operator.role_grant_permission(auth.user.as_str(), locks).await.expect("granted");
    let config = ClientConfig::new([server.endpoint()]).user(auth.user.clone(), auth.password.clone());
    let ours = Client::connect(config).await.expect("connect");
    let ttl = Duration::from_secs(5);
    let (kept, neighbour) = (ours.lock("kept", ttl).await.expect("lock"), ours.lock("k", ttl).await.expect("lock"));
    // Enough for the lease to be renewed; the delete has a condition, for which it must read.
    let locks = Permission::write("/go-core/locks/").with_prefix();
    operator.role_grant_permission(auth.user.as_str(), locks).await.expect("reading is taken away");
    drop(kept);
    assert!(timeout(ttl / 2, neighbour.lost()).await.is_err(), "it is tried for a TTL");
    timeout(SOON, neighbour.lost()).await.expect("then the session is given up");
    let why = neighbour.put("x", "").await.expect_err("lost").to_string();
    assert!(why.contains("settled"), "{why}");
    until_contenders(&server.client().await, "kept", 0).await;
}
