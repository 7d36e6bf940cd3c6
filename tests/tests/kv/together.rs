//! Gets that are begun together: they share a request, and nothing else.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, Error, ErrorKind, KeyValue, Kv};
use gocore_etcd_tests::{Server, ServerOptions};
use tokio::task::JoinSet;

use crate::story::{alone, client_of};

/// One goes by itself, and these together.
const MOST: usize = 32;
const LIMIT: Duration = Duration::from_secs(1);
/// What may pass on a busy machine between a deadline and our notice of it.
const SLACK: Duration = Duration::from_secs(2);

type Got = Result<Option<KeyValue>, Error>;

/// Begins so many gets in one moment, the first of a key that does not exist.
fn begun(kv: &Kv, many: usize) -> JoinSet<(usize, Got)> {
    let get = |number| {
        let kv = kv.clone();
        async move { (number, kv.get(format!("/k{number}")).await) }
    };
    (0..many).map(get).collect()
}

async fn with_keys(client: &Client, many: usize) {
    for number in 1..many {
        client.kv().put(format!("/k{number}"), number.to_string()).await.expect("put");
    }
}

/// Each has its own answer.
async fn all_answered(gets: JoinSet<(usize, Got)>) {
    for (number, got) in gets.join_all().await {
        let value = got.unwrap_or_else(|error| panic!("{number}: {error}")).map(|kv| kv.value);
        assert_eq!(value, (number > 0).then(|| number.to_string().into_bytes()));
    }
}

#[tokio::test]
async fn gets_that_are_begun_together_share_a_request_and_each_has_its_own_answer() {
    const MANY: usize = 1 + 2 * MOST + 3;
    let (server, client) = alone().await;
    with_keys(&client, MANY).await;
    let before = server.metrics().await;
    all_answered(begun(&client.kv(), MANY)).await;
    let spent = &server.metrics().await - &before;
    // How many exactly is for the tests of costs: a request that is silent for a second is sent again.
    assert!(spent.requests_of("Range") < 10 && spent.requests_of("Txn") >= 3, "{:?}", spent.requests());
}

#[tokio::test]
async fn a_server_that_takes_fewer_operations_is_asked_for_fewer() {
    const TAKES: usize = 4;
    let server = Server::start(ServerOptions::new().flag(format!("--max-txn-ops={TAKES}"))).await;
    let client = client_of(&server).await;
    with_keys(&client, 1 + MOST).await;
    // 32, 16, 8 are refused.
    for _ in 0..3 {
        all_answered(begun(&client.kv(), 1 + MOST)).await;
    }
    let before = server.metrics().await;
    all_answered(begun(&client.kv(), 1 + MOST)).await;
    let spent = &server.metrics().await - &before;
    assert!(spent.requests_of("Txn") >= (MOST / TAKES) as u64, "{:?}", spent.requests());
    assert!(spent.requests_of("Range") < 10, "nothing was refused: {:?}", spent.requests());
}

#[tokio::test]
async fn each_ends_at_its_own_deadline_and_names_its_own_key() {
    let (server, client) = alone().await;
    server.freeze();
    let began = Instant::now();
    let (long, short) = (client.kv().with_timeout(LIMIT * 3), client.kv().with_timeout(LIMIT));
    let (long, short) = (begun(&long, 8), begun(&short, 8));
    for (limit, gets) in [(LIMIT, short), (LIMIT * 3, long)] {
        for (number, got) in gets.join_all().await {
            let error = got.expect_err("frozen");
            assert_eq!((error.kind(), error.op()), (ErrorKind::DeadlineExceeded, "kv.get"), "{error}");
            assert_eq!(error.key(), Some(&*format!("/k{number}")));
            assert!(!error.maybe_applied() && error.is_retryable(), "{error}");
        }
        let took = began.elapsed();
        assert!(took >= limit && took < limit + SLACK, "{took:?}");
    }
    server.thaw();
}

#[tokio::test]
async fn one_whose_time_is_over_takes_no_other_along() {
    let (_server, client) = alone().await;
    let (short, long) = (client.kv().with_timeout(LIMIT / 10), client.kv());
    let mut nobody = Context::from_waker(Waker::noop());
    let (mut first, mut stale) = (pin!(short.get("/k")), pin!(short.get("/k")));
    assert!(first.as_mut().poll(&mut nobody).is_pending());
    assert!(stale.as_mut().poll(&mut nobody).is_pending());
    // Nobody runs it until its time is over.
    tokio::time::sleep(LIMIT / 5).await;
    let (stale, fresh) = tokio::join!(stale, long.get("/k"));
    assert_eq!(stale.expect_err("too late").kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(fresh.expect("it has time"), None);
}

#[tokio::test]
async fn large_values_are_asked_for_in_smaller_parts() {
    const VALUE: usize = 100 << 10;
    let (server, client) = alone().await;
    for number in 0..1 + MOST {
        client.kv().put(format!("/k{number}"), vec![b'v'; VALUE]).await.expect("put");
    }
    let mut txns = Vec::new();
    for _ in 0..3 {
        let before = server.metrics().await;
        for (number, got) in begun(&client.kv(), 1 + MOST).join_all().await {
            let kv = got.unwrap_or_else(|error| panic!("{number}: {error}"));
            assert_eq!(kv.expect("there").value.len(), VALUE);
        }
        txns.push((&server.metrics().await - &before).requests_of("Txn"));
    }
    // 32 are 3 MiB, 16 are 1.6: 8 are not too large.
    assert!(txns[2] >= 4, "{txns:?}");
}

#[tokio::test]
async fn one_that_is_given_up_takes_no_other_along() {
    let (server, client) = alone().await;
    let kv = client.kv();
    server.freeze();
    let mut nobody = Context::from_waker(Waker::noop());
    let mut first = pin!(kv.get("/k"));
    assert!(first.as_mut().poll(&mut nobody).is_pending());
    {
        // It waits for others to go along, and would be the one that takes them.
        let given_up = pin!(kv.get("/k"));
        assert!(given_up.poll(&mut nobody).is_pending());
    }
    let mut gets = begun(&kv, 8);
    // One turn: they are under way, carried by one of them.
    tokio::task::yield_now().await;
    tokio::task::yield_now().await;
    gets.abort_all();
    let others = begun(&kv, 8);
    server.thaw();
    for (number, got) in others.join_all().await {
        assert_eq!(got.unwrap_or_else(|error| panic!("{number}: {error}")), None);
    }
    assert_eq!(first.await.expect("the first, too"), None);
}

#[tokio::test]
async fn closing_ends_them_all() {
    let (server, client) = alone().await;
    server.freeze();
    let gets = begun(&client.kv(), 8);
    tokio::task::yield_now().await;
    let closing = client.close();
    let (gets, closed) = tokio::join!(gets.join_all(), closing);
    closed.expect("there was nothing to give back");
    for (number, got) in gets {
        let error = got.expect_err("closed");
        assert_eq!((error.kind(), error.op()), (ErrorKind::Closed, "kv.get"), "{number}: {error}");
    }
    server.thaw();
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused_before_it_goes_along() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    let (one, empty, other) = tokio::join!(kv.get("/a"), kv.get(""), kv.get("/b"));
    assert_eq!((one.expect("get"), other.expect("get")), (None, None));
    assert_eq!(empty.expect_err("empty").kind(), ErrorKind::InvalidArgument);
}
