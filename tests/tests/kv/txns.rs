//! Transactions: conditions, branches, guards, limits.

use std::time::Duration;

use gocore_etcd_core::{Cmp, Compare, ErrorKind, Kv, Op, OpResult, Range, Txn};

use crate::story::{alone, client_of, fails, with_keys};

/// Whether a condition holds, as etcd judges it.
async fn holds(kv: &Kv, compare: Compare) -> bool {
    kv.commit(Txn::new().when(compare).then(Op::get("/k")).otherwise(Op::get("/k"))).await.expect("commit").succeeded
}

#[tokio::test]
async fn success_and_otherwise_give_one_result_for_each_operation_in_order() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    let create = Txn::new()
        .when(Compare::absent("/k"))
        .then(Op::put("/k", "mine"))
        .then(Op::get("/k"))
        .then(Op::delete("/nothing"))
        .otherwise(Op::get("/k"));
    let done = kv.commit(create.clone()).await.expect("commit");
    assert!(done.succeeded);
    let [OpResult::Put, OpResult::Get(kvs), OpResult::Delete(0)] = &done.results[..] else { panic!("{done:?}") };
    assert_eq!((kvs[0].value.as_slice(), kvs[0].mod_revision), (&b"mine"[..], done.revision), "one revision");

    let refused = kv.commit(create).await.expect("that a condition does not hold is no error");
    assert!(!refused.succeeded);
    let [got] = <[OpResult; 1]>::try_from(refused.results).expect("one");
    assert_eq!(got.into_kvs()[0].value, b"mine");
    assert!(kv.commit(Txn::new()).await.expect("an empty plan succeeds").succeeded);
}

#[tokio::test]
async fn an_inner_transaction_is_judged_by_itself_and_does_not_stop_the_outer_one() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    with_keys(&client, &["/k"]).await;
    let inner = Txn::new().when(Compare::absent("/k")).then(Op::put("/a", "no")).otherwise(Op::put("/b", "yes"));
    let txn = Txn::new().then(Op::put("/outer", "v")).then(Op::Txn(inner)).then(Op::delete("/k"));
    let done = kv.commit(txn).await.expect("commit");
    let [OpResult::Put, OpResult::Txn(inner), OpResult::Delete(1)] = &done.results[..] else { panic!("{done:?}") };
    assert!(done.succeeded && !inner.succeeded);
    assert_eq!(inner.results, [OpResult::Put]);
    let all = kv.list(Range::prefix("/")).await.expect("list");
    assert_eq!(crate::story::names(&all), ["/b", "/outer"]);
    assert!(all.kvs.iter().all(|kv| kv.mod_revision == done.revision), "all in one revision");
}

#[tokio::test]
async fn every_compare_judges_as_it_says() {
    use Cmp::{Equal, Greater, Less, NotEqual};
    let (server, client) = alone().await;
    let kv = client.kv();
    let lease = server.client().await.lease_client().grant(60, None).await.expect("grant").id();
    let created = kv.put("/k", "m").await.expect("put");
    let changed = kv.put_under("/k", "m", lease).await.expect("put");
    let judge = |cmp, ordering: std::cmp::Ordering| match cmp {
        Equal => ordering.is_eq(),
        NotEqual => ordering.is_ne(),
        Greater => ordering.is_gt(),
        Less => ordering.is_lt(),
    };
    for cmp in [Equal, NotEqual, Greater, Less] {
        for step in [-1, 0, 1] {
            let compares = [
                ("create revision", created, Compare::create_revision("/k", cmp, created + step)),
                ("mod revision", changed, Compare::mod_revision("/k", cmp, changed + step)),
                ("version", 2, Compare::version("/k", cmp, 2 + step)),
                ("lease", lease, Compare::lease("/k", cmp, lease + step)),
            ];
            for (what, actual, compare) in compares {
                let expected = judge(cmp, actual.cmp(&(actual + step)));
                assert_eq!(holds(&kv, compare).await, expected, "{what} {cmp:?} {step:+}");
            }
        }
        for value in ["l", "m", "n"] {
            let expected = judge(cmp, "m".cmp(value));
            assert_eq!(holds(&kv, Compare::value("/k", cmp, value)).await, expected, "value {cmp:?} {value}");
        }
    }
    assert!(holds(&kv, Compare::absent("/nothing")).await && !holds(&kv, Compare::absent("/k")).await);
    assert!(holds(&kv, Compare::version("/nothing", Equal, 0)).await, "what does not exist has version 0");
}

#[tokio::test]
async fn a_compare_of_a_range_holds_when_it_holds_for_every_key_in_it() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    let revisions = with_keys(&client, &["/a/1", "/a/2", "/b"]).await;
    let unchanged_since = |revision: i64| Compare::mod_revision("/a/", Cmp::Less, revision + 1).until("/a0");
    assert!(holds(&kv, unchanged_since(revisions[1])).await);
    assert!(!holds(&kv, unchanged_since(revisions[0])).await, "one of them is newer");
    let changed = kv.put("/a/1", "changed").await.expect("put");
    assert!(!holds(&kv, unchanged_since(revisions[1])).await);
    assert!(holds(&kv, unchanged_since(changed)).await);
    // A range without keys is judged as one key that does not exist: all is 0, and it has no value at all.
    assert!(holds(&kv, Compare::absent("/c").until("/d")).await);
    assert!(holds(&kv, Compare::mod_revision("/c", Cmp::Less, 1).until("/d")).await);
    assert!(!holds(&kv, Compare::mod_revision("/c", Cmp::Greater, 0).until("/d")).await);
    assert!(!holds(&kv, Compare::value("/c", Cmp::NotEqual, "v").until("/d")).await);
    assert!(!holds(&kv, Compare::value("/a/1", Cmp::Equal, "/a/2").until("/a/2")).await);
    assert!(holds(&kv, Compare::value("/a/2", Cmp::Equal, "/a/2").until("/a/3")).await);
}

#[tokio::test]
async fn a_guard_lets_through_while_its_lock_is_held_and_says_lost_afterwards() {
    let (server, client) = alone().await;
    let kv = client_of(&server).await.kv();
    let lock = client.lock("k", Duration::from_secs(30)).await.expect("lock");
    let guarded = || Txn::new().guarded_by(&lock).then(Op::put("/data", "v"));
    assert!(kv.commit(guarded()).await.expect("any client may use the guard").succeeded);
    let both = guarded().when(Compare::absent("/data"));
    assert!(!kv.commit(both).await.expect("the other condition did not hold").succeeded);

    lock.unlock().await.expect("unlock");
    let version = kv.get("/data").await.expect("get").expect("there").version;
    let error = fails(ErrorKind::Lost, kv.commit(guarded()).await);
    assert_eq!(error.op(), "kv.commit");
    assert_eq!(kv.get("/data").await.expect("get").expect("there").version, version, "nothing was written");
    let with_alternative = guarded().otherwise(Op::get("/data"));
    assert!(!kv.commit(with_alternative).await.expect("there was something to do otherwise").succeeded);
    let next = client.lock("k", Duration::from_secs(30)).await.expect("lock");
    fails(ErrorKind::Lost, kv.commit(guarded()).await);
    assert!(kv.commit(Txn::new().guarded_by(&next).then(Op::put("/data", "v"))).await.expect("commit").succeeded);
}

#[tokio::test]
async fn what_etcd_refuses_as_a_plan_is_an_invalid_argument_and_changes_nothing() {
    let (_server, client) = alone().await;
    let kv = client.kv();
    let before = kv.put("/k", "v").await.expect("put");
    let twice = Txn::new().then(Op::put("/twice", "1")).then(Op::put("/twice", "2"));
    fails(ErrorKind::InvalidArgument, kv.commit(twice).await);
    let nested = Txn::new().then(Op::put("/twice", "1")).then(Op::Txn(Txn::new().then(Op::put("/twice", "2"))));
    fails(ErrorKind::InvalidArgument, kv.commit(nested).await);
    let ops = |count| (0..count).fold(Txn::new(), |txn, n| txn.then(Op::put(format!("/many/{n}"), "v")));
    fails(ErrorKind::InvalidArgument, kv.commit(ops(129)).await);
    let dead = Txn::new().then(Op::put("/x", "v")).then(Op::put_under("/y", "v", 12345));
    fails(ErrorKind::NotFound, kv.commit(dead).await);
    assert_eq!(kv.list(Range::prefix("/")).await.expect("list").revision, before, "nothing was written");
    assert!(kv.commit(ops(128)).await.expect("the most that is allowed").succeeded);
    assert_eq!(kv.list(Range::prefix("/many/").count_only()).await.expect("list").count, 128);
}
