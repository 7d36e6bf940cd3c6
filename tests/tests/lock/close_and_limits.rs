//! Closing in the middle of everything, closing while etcd is away, and an etcd that is full.

use std::time::{Duration, Instant};

use etcd_client::{AlarmAction, AlarmOptions, AlarmType, CompactionOptions, DeleteOptions};
use gocore_etcd_core::{Client, Error, ErrorKind};
use gocore_etcd_tests::{Proxy, Server, ServerOptions, not_judged, seed};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::story::{SOON, client, client_of, keys, outcome, until_contenders, waiting};

const TTL: Duration = Duration::from_secs(20);
/// Closing has 5 s; the rest is for a busy machine.
const CLOSE_LIMIT: Duration = Duration::from_secs(9);

/// Uses the client in one of several ways until that is refused; gives the error.
async fn busy(client: Client, way: u64) -> Error {
    let key = format!("k{}", way % 3);
    loop {
        let result = match way % 5 {
            0 => match client.try_lock(&key, TTL).await {
                Ok(Some(lock)) => lock.unlock().await,
                other => other.map(drop),
            },
            // Held for a while, perhaps when the end comes.
            1 => match client.lock(&key, TTL).await {
                Ok(lock) => {
                    sleep(Duration::from_millis(5)).await;
                    let written = lock.put("/data", "mine").await.map(drop);
                    written.and(lock.unlock().await)
                }
                Err(error) => Err(error),
            },
            // Dropped instead of unlocked.
            2 => client.lock(&key, TTL).await.map(drop),
            // Given up in the middle.
            3 => match timeout(Duration::from_millis(way), client.lock(&key, TTL)).await {
                Ok(locked) => locked.map(drop),
                Err(_) => Ok(()),
            },
            // Of a session of its own, so that sessions begin and end too.
            _ => match client.lock(&key, TTL + Duration::from_secs(way)).await {
                Ok(lock) => lock.unlock().await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = result {
            return error;
        }
    }
}

#[tokio::test]
async fn close_in_the_middle_of_everything_leaves_nothing_and_every_call_says_closed() {
    let server = Server::plain().await;
    let etcd = server.client().await;
    let mut rng = seed::rng("close");
    for round in 0..seed::rounds(8) {
        let client = client_of(&server).await;
        let mut tasks = JoinSet::new();
        for way in 0..20 {
            tasks.spawn(busy(client.clone(), way));
        }
        sleep(Duration::from_millis(rng.u64(0..150))).await;
        timeout(CLOSE_LIMIT, client.close()).await.expect("within its limit").expect("everything is given back");
        assert_eq!(keys(&etcd, "/go-core/").await, Vec::<String>::new(), "round {round}: nothing is left");
        let ended = timeout(SOON, tasks.join_all()).await.expect("every pending call ends");
        for error in ended {
            assert_eq!(error.kind(), ErrorKind::Closed, "round {round}: {error}");
        }
        assert_eq!(keys(&etcd, "/go-core/").await, Vec::<String>::new(), "round {round}: nothing comes later");
    }
}

#[tokio::test]
async fn a_closed_clients_waiters_and_locks_go_to_the_next_at_once() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let held = ours.lock("k", TTL).await.expect("lock");
    let own_waiter = waiting(&ours, "k", TTL);
    until_contenders(&etcd, "k", 2).await;
    let next = waiting(&other, "k", TTL);
    until_contenders(&etcd, "k", 3).await;
    ours.close().await.expect("close");
    assert!(!held.is_held());
    assert_eq!(outcome(own_waiter).await.expect_err("closed").kind(), ErrorKind::Closed);
    assert!(outcome(next).await.expect("its turn, long before a TTL").is_held());
}

/// Closes a client with a lock, a waiter and an attempt, after something has happened to its etcd.
async fn close_after(fault: &str, happens: fn(&Proxy, &Server)) {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let (ours, other) = (client([proxy.endpoint()]).await, client_of(&server).await);
    let held = ours.lock("k", TTL).await.expect("lock");
    let _foreign = other.lock("other", TTL).await.expect("lock");
    let waiter = waiting(&ours, "other", TTL);
    until_contenders(&server.client().await, "other", 2).await;
    happens(&proxy, &server);
    let entering = waiting(&ours, "new", TTL);
    sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    let closed = timeout(CLOSE_LIMIT, ours.close()).await.unwrap_or_else(|_| panic!("{fault}: hangs"));
    println!("{fault}: closed after {:?}: {closed:?}", began.elapsed());
    assert_eq!(closed.expect_err(fault).kind(), ErrorKind::DeadlineExceeded, "{fault}");
    assert!(!held.is_held(), "{fault}");
    for call in [waiter, entering] {
        let error = outcome(call).await.expect_err(fault);
        assert_eq!(error.kind(), ErrorKind::Closed, "{fault}: {error}");
    }
    server.thaw();
}

#[tokio::test]
async fn close_while_etcd_is_away_ends_within_its_limit_and_says_so() {
    tokio::join!(
        close_after("black hole", |proxy, _| proxy.black_hole()),
        close_after("cut", |proxy, _| proxy.cut()),
        close_after("frozen", |_, server| server.freeze()),
    );
}

/// Writes until the server says that it is full.
async fn fill(etcd: &etcd_client::Client) {
    let block = vec![b'x'; 256 << 10];
    for n in 0..64 {
        if let Err(error) = etcd.kv_client().put(format!("/block/{}", n % 4), block.clone(), None).await {
            assert!(error.to_string().contains("database space exceeded"), "{error}");
            return;
        }
    }
    panic!("never full");
}

/// Frees the space and disarms the alarm.
async fn make_room(etcd: &etcd_client::Client) {
    let deleted = etcd.kv_client().delete("/block/", Some(DeleteOptions::new().with_prefix())).await;
    let revision = deleted.expect("a delete is allowed").header().expect("a header").revision();
    let physical = Some(CompactionOptions::new().with_physical());
    etcd.kv_client().compact(revision, physical).await.expect("compact");
    let mut maintenance = etcd.maintenance_client();
    maintenance.defragment().await.expect("defragment");
    let alarms = maintenance.alarm(AlarmAction::Get, AlarmType::None, None).await.expect("alarms");
    let mut member = AlarmOptions::new();
    member.with_member(alarms.alarms().first().expect("the alarm was raised").member_id());
    maintenance.alarm(AlarmAction::Deactivate, AlarmType::Nospace, Some(member)).await.expect("disarm");
}

#[tokio::test]
async fn a_full_etcd_takes_no_lock_away_gives_none_and_is_used_again_when_it_has_room() {
    let server = Server::start(ServerOptions::new().quota_backend_bytes(4 << 20)).await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let ttl = Duration::from_secs(5);
    let lock = ours.lock("k", ttl).await.expect("lock");
    let waiter = waiting(&other, "k", ttl);
    until_contenders(&etcd, "k", 2).await;
    fill(&etcd).await;

    // In a warm session it is the key that is refused, in a cold one the lease.
    for (session, ttl) in [("warm", ttl), ("cold", TTL)] {
        let locked = timeout(SOON, ours.lock("new", ttl)).await.expect("ends").expect_err(session);
        assert_eq!(locked.kind(), ErrorKind::ResourceExhausted, "{session}: {locked}");
        let tried = timeout(SOON, ours.try_lock("new", ttl)).await.expect("ends").expect_err(session);
        assert_eq!(tried.kind(), ErrorKind::ResourceExhausted, "{session}: {tried}");
    }
    assert!(timeout(ttl + ttl / 2, lock.lost()).await.is_err(), "keep-alives go on, beyond the TTL");
    assert!(lock.is_held() && !waiter.is_finished());
    match lock.unlock().await {
        // Some old ones refuse a delete in a transaction too; then the lease gives the lock back.
        Err(error) if error.kind() == ErrorKind::ResourceExhausted && !server.etcd().has_lease_fixes() => {
            assert!(outcome(waiter).await.expect("its turn").is_held());
            return not_judged("unlock in a full etcd", "this etcd refuses even a delete");
        }
        unlocked => unlocked.expect("a delete is allowed"),
    }
    let next = outcome(waiter).await.expect("its turn");
    assert!(next.is_held());

    make_room(&etcd).await;
    assert!(next.is_held());
    next.unlock().await.expect("unlock");
    let again = timeout(SOON, ours.lock("k", ttl)).await.expect("ends").expect("it is used again");
    assert!(again.is_held());
}
