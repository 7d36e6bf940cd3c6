//! What a lock and its waiters live through: members that die, leaders that change, compaction, a restart of etcd.

use std::time::Duration;

use etcd_client::CompactionOptions;
use gocore_etcd_core::{Client, Lock};
use gocore_etcd_tests::{Cluster, Proxy, Server, eventually};
use tokio::time::{Instant, sleep_until, timeout};

use crate::story::{SOON, client, client_of, contenders, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(10);

/// Still the same owner: here, and as etcd judges it.
async fn still_owns(lock: &Lock, token: i64) {
    assert!(lock.is_held(), "the lock was lost");
    assert!(timeout(Duration::ZERO, lock.lost()).await.is_err(), "nobody was told that it was lost");
    assert_eq!(lock.token(), token);
    loop {
        match lock.put("/data", "mine").await {
            Ok(_) => return,
            // In flight on the member that was killed, or proposed to the leader that was.
            Err(error) if error.maybe_applied() => {}
            Err(error) => panic!("etcd does not accept the guarded write: {error}"),
        }
    }
}

/// Has the leader hand its office to the next member; returns that one.
async fn move_leader(cluster: &Cluster) -> usize {
    let old = cluster.leader().await;
    let new = (old + 1) % cluster.size();
    let id = cluster.client(new).await.maintenance_client().status().await.expect("status");
    let id = id.header().expect("a header").member_id();
    cluster.client(old).await.maintenance_client().move_leader(id).await.expect("the leader moves");
    cluster.leader_other_than(old).await
}

#[tokio::test]
async fn a_lock_and_its_waiter_outlive_every_member_and_every_leader_for_longer_than_the_ttl() {
    let mut cluster = Cluster::start(3).await;
    let (holder, queued) = (client(cluster.endpoints()).await, client(cluster.endpoints()).await);
    let lock = holder.lock("k", TTL).await.expect("lock");
    let (token, began) = (lock.token(), Instant::now());
    let waiter = waiting(&queued, "k", TTL);
    until_contenders(&cluster.client(0).await, "k", 2).await;

    move_leader(&cluster).await;
    still_owns(&lock, token).await;
    // Whichever member serves them, and whichever leads: each dies once.
    for member in 0..cluster.size() {
        let led = cluster.leader().await == member;
        cluster.kill(member);
        if led {
            cluster.leader_other_than(member).await;
        }
        still_owns(&lock, token).await;
        cluster.restart(member).await;
    }
    sleep_until(began + TTL + TTL / 2).await;
    still_owns(&lock, token).await;
    assert!(!waiter.is_finished(), "the waiter does not wait: {:?}", outcome(waiter).await);
    lock.unlock().await.expect("unlock");
    let next = outcome(waiter).await.expect("the waiter has kept its place");
    assert!(next.is_held() && next.token() > token);
}

#[tokio::test]
async fn a_lock_and_its_waiter_outlive_a_restart_of_the_only_server() {
    let mut server = Server::plain().await;
    let (holder, queued) = (client_of(&server).await, client_of(&server).await);
    let lock = holder.lock("k", TTL).await.expect("lock");
    let waiter = waiting(&queued, "k", TTL);
    let etcd = server.client().await;
    until_contenders(&etcd, "k", 2).await;
    server.restart().await;
    still_owns(&lock, lock.token()).await;
    assert!(!waiter.is_finished(), "the waiter still waits");
    lock.unlock().await.expect("unlock");
    assert!(outcome(waiter).await.expect("the waiter has kept its place").is_held());
}

#[tokio::test]
async fn a_lock_whose_lease_expires_while_its_session_begins_is_had_in_another() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let ours = client([proxy.endpoint()]).await;
    let (before, now) = (server.metrics().await, async || server.metrics().await);
    // The record comes twice as long after the grant: then the lease is over.
    proxy.delay(Duration::from_millis(1600));
    let attempt = waiting(&ours, "k", Duration::from_secs(2));
    let put = async || (now().await.requests_of("Put") > before.requests_of("Put")).then_some(());
    eventually(SOON, "the record has come", put).await;
    proxy.pass();
    assert!(outcome(attempt).await.expect("in another session").is_held());
    assert!(now().await.requests_of("LeaseGrant") > before.requests_of("LeaseGrant") + 1);
}

#[tokio::test]
async fn a_waiter_learns_of_a_release_that_fell_into_a_restart() {
    let mut server = Server::plain().await;
    let (holder, queued) = (client_of(&server).await, client_of(&server).await);
    let lock = holder.lock("k", TTL).await.expect("lock");
    let waiter = waiting(&queued, "k", TTL);
    until_contenders(&server.client().await, "k", 2).await;
    server.kill();
    // Asked for while there is nobody to ask.
    let released = tokio::spawn(async move { lock.unlock().await });
    server.restart().await;
    timeout(SOON, released).await.expect("ended").expect("no panic").expect("unlock");
    assert!(outcome(waiter).await.expect("its turn").is_held());
}

/// A holder, and a waiter behind a proxy that is being cut off.
struct CutOff {
    server: Server,
    etcd: etcd_client::Client,
    proxy: Proxy,
    held: Lock,
    waiter: tokio::task::JoinHandle<gocore_etcd_core::Result<Lock>>,
    holder: Client,
}

impl CutOff {
    async fn begin() -> CutOff {
        let server = Server::plain().await;
        let proxy = Proxy::start(server.address());
        let (holder, queued) = (client_of(&server).await, client([proxy.endpoint()]).await);
        let held = holder.lock("k", TTL).await.expect("lock");
        let waiter = waiting(&queued, "k", TTL);
        // The holder's record and key, the waiter's record and predecessor.
        let watched = async || (server.metrics().await.watchers() >= 4).then_some(());
        eventually(SOON, "the waiter watches its predecessor", watched).await;
        proxy.cut();
        let etcd = server.client().await;
        CutOff { server, etcd, proxy, held, waiter, holder }
    }

    async fn answers(self) {
        assert_eq!(contenders(&self.etcd, "k").await.len(), 1, "the waiter alone, after the holder has released");
        self.proxy.pass();
        assert!(outcome(self.waiter).await.expect("its turn").is_held());
        drop(self.server);
    }
}

/// Puts revisions on top and makes all but the newest unreadable.
async fn compact(etcd: &etcd_client::Client) {
    let mut newest = 0;
    for n in 0..20 {
        let put = etcd.kv_client().put("/noise", format!("{n}"), None).await.expect("put");
        newest = put.header().expect("a header").revision();
    }
    let physical = Some(CompactionOptions::new().with_physical());
    etcd.kv_client().compact(newest, physical).await.expect("compact");
}

#[tokio::test]
async fn a_waiter_learns_of_a_release_that_was_compacted_away_while_it_was_cut_off() {
    let cut_off = CutOff::begin().await;
    cut_off.held.unlock().await.expect("unlock");
    compact(&cut_off.etcd).await;
    cut_off.answers().await;
}

#[tokio::test]
async fn a_waiter_learns_of_a_compacted_release_although_a_key_of_the_same_name_is_there_again() {
    let CutOff { server, etcd, proxy, held, waiter, holder } = CutOff::begin().await;
    let name = contenders(&etcd, "k").await.swap_remove(0);
    held.unlock().await.expect("unlock");
    // Its name is free for the next contender of its session.
    drop(held);
    let again = waiting(&holder, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    assert_eq!(contenders(&etcd, "k").await[1], name, "the same name, now behind the waiter");
    compact(&etcd).await;
    proxy.pass();
    let lock = outcome(waiter).await.expect("its turn: the other came back behind it");
    assert!(!again.is_finished());
    lock.unlock().await.expect("unlock");
    assert!(outcome(again).await.expect("its turn").is_held());
    drop(server);
}

#[tokio::test]
async fn a_waiter_whose_revisions_were_compacted_away_still_waits_and_gets_its_turn() {
    let cut_off = CutOff::begin().await;
    compact(&cut_off.etcd).await;
    cut_off.proxy.pass();
    // It is back when it watches again; its predecessor still holds.
    let watched = async || (cut_off.server.metrics().await.watchers() >= 4).then_some(());
    eventually(SOON, "the waiter watches again", watched).await;
    assert!(!cut_off.waiter.is_finished() && cut_off.held.is_held());
    cut_off.held.unlock().await.expect("unlock");
    assert!(outcome(cut_off.waiter).await.expect("its turn").is_held());
}
