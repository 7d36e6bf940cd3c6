//! Authentication with tokens that live for 2 s: nobody notices when they expire.

use std::time::{Duration, Instant};

use etcd_client::GetOptions;
use gocore_etcd_core::{Client, ErrorKind};
use gocore_etcd_tests::{Auth, Log, Server, ServerOptions, eventually};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::story::{SOON, as_worker, connected};

const LIFE: Duration = Duration::from_secs(2);
/// Nothing prolongs a token for so long: it is over (etcd looks once a second).
const EXPIRED: Duration = Duration::from_secs(4);
const TTL: Duration = Duration::from_secs(5);
const LENGTH: Duration = Duration::from_secs(30);

struct Story {
    server: Server,
    auth: Auth,
}

impl Story {
    async fn begin(auth: Auth) -> Story {
        let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
        Story { server, auth }
    }

    async fn worker(&self) -> Client {
        connected(as_worker([self.server.endpoint()], &self.auth)).await
    }

    /// How often anybody authenticated so far.
    async fn authenticated(&self) -> u64 {
        self.server.metrics().await.requests_of("Authenticate")
    }

    /// An operator deletes the oldest contender of a lock.
    async fn delete_owner(&self, key: &str) {
        let etcd = self.server.client().await;
        let options = GetOptions::new().with_prefix();
        let found = etcd.kv_client().get(format!("/go-core/locks/{key}/"), Some(options)).await.expect("get");
        let owner = found.kvs().iter().min_by_key(|kv| kv.create_revision()).expect("a contender");
        etcd.kv_client().delete(owner.key(), None).await.expect("delete");
    }
}

/// Everything goes on for 30 s: a held lock, a waiter, gets and puts, and watches that begin late.
async fn goes_on(auth: Auth) {
    let story = Story::begin(auth).await;
    let (client, queued, idle) = (story.worker().await, story.worker().await, story.worker().await);
    let lock = client.lock("k", TTL).await.expect("lock");
    let mut waiter = tokio::spawn(async move { queued.lock("k", TTL).await });
    let before = story.authenticated().await;

    let began = Instant::now();
    let mut pace = interval(Duration::from_millis(100));
    let mut calls = 0;
    let mut looked = began;
    while began.elapsed() < LENGTH {
        pace.tick().await;
        let at = began.elapsed();
        client.kv().put(client.key(["data"]), "v").await.unwrap_or_else(|error| panic!("put at {at:?}: {error}"));
        client.kv().get(client.key(["data"])).await.unwrap_or_else(|error| panic!("get at {at:?}: {error}"));
        assert!(lock.is_held() && !waiter.is_finished(), "lost after {at:?}");
        calls += 1;
        if looked.elapsed() > EXPIRED {
            // Nothing prolonged this one's token meanwhile.
            idle.kv().get(idle.key(["data"])).await.unwrap_or_else(|error| panic!("idle at {at:?}: {error}"));
            looked = Instant::now();
        }
    }
    let spent = story.authenticated().await - before;
    println!("{:?}: {calls} gets and puts, {spent} times authenticated", story.auth.token);
    // Three clients; a token lasts for 1 to 2 s (a JWT's time is in whole seconds).
    assert!((1..=3 * LENGTH.as_secs()).contains(&spent), "{spent}");

    // Two new own-key watches, long after the stream was opened with a token that is dead now.
    let late = client.lock("late", TTL).await.expect("lock");
    let watched = async || (story.server.metrics().await.watchers() >= 5).then_some(());
    eventually(SOON, "the late lock's key is watched", watched).await;
    story.delete_owner("late").await;
    let since = Instant::now();
    timeout(SOON, late.lost()).await.expect("the delete is noticed");
    println!("{:?}: deletion noticed after {:?}", story.auth.token, since.elapsed());
    assert_eq!(late.unlock().await.expect_err("it was deleted").kind(), ErrorKind::Lost);

    assert!(lock.is_held());
    lock.unlock().await.expect("unlock");
    let next = timeout(SOON, &mut waiter).await.expect("the waiter's turn").expect("no panic").expect("lock");
    assert!(next.is_held() && next.token() > lock.token());
    next.unlock().await.expect("unlock");
}

#[tokio::test]
async fn with_simple_tokens_of_2_s_nobody_notices_for_30_s() {
    goes_on(Auth::simple(LIFE)).await;
}

#[tokio::test]
async fn with_jwt_of_2_s_nobody_notices_for_30_s() {
    goes_on(Auth::jwt(LIFE)).await;
}

async fn one_for_all(auth: Auth) {
    const TASKS: usize = 32;
    let story = Story::begin(auth).await;
    let client = story.worker().await;
    for round in 0..2 {
        sleep(EXPIRED).await;
        let before = story.authenticated().await;
        let mut tasks = JoinSet::new();
        for n in 0..TASKS {
            let (kv, key) = (client.kv(), client.key([n.to_string().as_str()]));
            tasks.spawn(async move { kv.put(key.clone(), "v").await.and(kv.get(key).await) });
        }
        let failed: Vec<_> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
        assert!(failed.is_empty(), "{failed:?}");
        let spent = story.authenticated().await - before;
        println!("{:?}, round {round}: {spent} times authenticated for {TASKS} tasks", story.auth.token);
        // A few more when a JWT that was made at the end of a second is over a second later.
        assert!((1..=3).contains(&spent), "{spent} times for one expiry");
    }
}

#[tokio::test]
async fn thirty_two_tasks_that_meet_an_expired_simple_token_authenticate_once() {
    one_for_all(Auth::simple(LIFE)).await;
}

#[tokio::test]
async fn thirty_two_tasks_that_meet_an_expired_jwt_authenticate_once() {
    one_for_all(Auth::jwt(LIFE)).await;
}

/// A server that takes about 0.3 s over a password, and callers who do not wait so long.
async fn in_time(call: impl AsyncFn(&Client) -> bool) {
    let dear = ServerOptions::new().auth(Auth::simple(LIFE)).flag("--bcrypt-cost=12");
    let server = Server::start(dear).await;
    let client = connected(as_worker([server.endpoint()], server.auth().expect("authentication is on"))).await;
    for round in 0..2 {
        sleep(EXPIRED).await;
        let before = server.metrics().await.requests_of("Authenticate");
        assert!(!call(&client).await, "nobody has a new token within 50 ms");
        eventually(SOON, "calls succeed again", async || call(&client).await.then_some(())).await;
        let spent = server.metrics().await.requests_of("Authenticate") - before;
        // More when the machine is so busy that the first is not answered within a second.
        assert!((1..=3).contains(&spent), "round {round}: {spent} times authenticated");
    }
}

const IMPATIENT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn calls_too_short_for_an_authentication_have_a_new_token_after_it_all_the_same() {
    in_time(async |client| client.kv().with_timeout(IMPATIENT).get("/go-core/k").await.is_ok()).await;
}

#[tokio::test]
async fn callers_that_are_cancelled_leave_a_new_token_behind() {
    in_time(async |client| timeout(IMPATIENT, client.kv().get("/go-core/k")).await.is_ok_and(|got| got.is_ok())).await;
}

#[tokio::test]
async fn closing_gives_back_also_when_that_needs_a_new_token() {
    let story = Story::begin(Auth::jwt(LIFE)).await;
    let client = story.worker().await;
    let lock = client.lock("k", Duration::from_secs(60)).await.expect("lock");
    sleep(EXPIRED).await;
    let before = story.authenticated().await;
    client.close().await.expect("close");
    assert!(!lock.is_held());
    assert!(story.authenticated().await > before, "a new token was needed");
    let other = story.worker().await;
    assert!(other.try_lock("k", TTL).await.expect("try_lock").is_some(), "given back");
}

#[tokio::test]
async fn neither_password_nor_token_is_ever_logged() {
    let story = Story::begin(Auth::jwt(LIFE)).await;
    let log = Log::begin("gocore_etcd_core=trace,etcd_client=trace");
    let client = story.worker().await;
    let lock = client.lock("k", TTL).await.expect("lock");
    sleep(EXPIRED).await;
    client.kv().get(client.key(["data"])).await.expect("get");
    lock.unlock().await.expect("unlock");
    client.close().await.expect("close");
    let wrong = as_worker([story.server.endpoint()], &Auth { password: "wrong secret".into(), ..story.auth.clone() });
    let error = Client::connect(wrong).await.expect_err("a wrong password");
    let log = log.text();
    println!("{log}");
    assert!(log.contains("connected") && log.contains("token renewed"), "the log was seen");
    for secret in [story.auth.password.as_str(), "wrong secret", "eyJ"] {
        assert!(!log.contains(secret) && !format!("{error} {error:?}").contains(secret), "{secret:?} is shown");
    }
}
