//! Bad arguments are refused before anything is sent, by the name of the argument.

use std::fmt::Debug;

use gocore_etcd_core::{Cmp, Compare, ErrorKind, Op, Range, Result, Txn};

use crate::story::{alone, fails};

fn refused<T: Debug>(argument: &str, result: Result<T>) {
    let error = fails(ErrorKind::InvalidArgument, result);
    assert!(error.to_string().contains(&format!("{argument}: ")), "{argument:?} is not named in: {error}");
}

#[tokio::test]
async fn bad_arguments_are_refused_before_anything_is_sent() {
    let (server, client) = alone().await;
    let kv = client.kv();
    kv.put("/k", "v").await.expect("put");
    let before = server.metrics().await;

    refused("key", kv.get("").await);
    refused("key", kv.put("", "v").await);
    refused("key", kv.put_under("", "v", 1).await);
    refused("key", kv.delete("").await);
    refused("key", kv.list(Range::key("")).await);
    refused("lease", kv.put_under("/k", "v", -1).await);
    refused("lease", kv.put_under("/k", "v", i64::MIN).await);
    for (first, end) in [("/b", "/a"), ("/a", "/a")] {
        refused("end", kv.list(Range::between(first, end)).await);
        refused("end", kv.delete(Range::between(first, end)).await);
    }
    refused("revision", kv.list(Range::prefix("/").at_revision(-1)).await);

    let bad_ops = [
        ("key", Op::put("", "v")),
        ("key", Op::get("")),
        ("key", Op::delete("")),
        ("lease", Op::put_under("/k", "v", -1)),
        ("end", Op::Get(Range::between("/b", "/a"))),
        ("end", Op::Delete(Range::between("/b", "/a"))),
        ("revision", Op::Get(Range::key("/k").at_revision(-1))),
        ("key", Op::Txn(Txn::new().then(Op::Txn(Txn::new().otherwise(Op::put("", "v")))))),
        ("key", Op::Txn(Txn::new().when(Compare::absent("")))),
    ];
    for (argument, op) in bad_ops {
        refused(argument, kv.commit(Txn::new().then(Op::put("/k", "v")).then(op.clone())).await);
        refused(argument, kv.commit(Txn::new().otherwise(op)).await);
    }
    refused("key", kv.commit(Txn::new().when(Compare::version("", Cmp::Equal, 1)).then(Op::get("/k"))).await);

    let after = server.metrics().await;
    assert_eq!(after.requests(), before.requests(), "nothing was sent");
    assert_eq!(kv.get("/k").await.expect("get").expect("there").version, 1);
}
