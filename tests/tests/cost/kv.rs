//! What the calls of `Kv` cost: the numbers of the documentation.

use std::collections::BTreeMap;

use gocore_etcd_core::{Client, ClientConfig, Cmp, Compare, Op, Range, Result, Txn};
use gocore_etcd_tests::Server;
use tokio::task::JoinSet;

use crate::least;

const TIMES: u64 = 10;

/// Makes a call ten times, three times over: at the least each is one request of `method`, nothing else, and so many
/// proposals.
async fn costs<T>(server: &Server, what: &str, method: &str, proposals: u64, call: impl AsyncFn() -> Result<T>) {
    let mut bills = Vec::new();
    for _ in 0..3 {
        let before = server.metrics().await;
        for _ in 0..TIMES {
            call().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
        let spent = &server.metrics().await - &before;
        let mut requests = spent.requests();
        // The look at the server's version, in the background after connecting.
        requests.remove("Status");
        bills.push((requests.values().sum::<u64>(), requests, spent.proposals()));
    }
    let (_, requests, proposed) = bills.into_iter().min().expect("three");
    assert_eq!(requests, BTreeMap::from([(method.to_owned(), TIMES)]), "{what}: requests");
    assert_eq!(proposed, proposals * TIMES, "{what}: proposals");
}

#[tokio::test]
async fn each_call_is_one_request_and_only_what_writes_is_a_proposal() {
    let server = Server::plain().await;
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let kv = client.kv();
    kv.put("/k", "v").await.expect("put");

    let there = || Compare::version("/k", Cmp::Greater, 0);
    let read = || Op::get("/k");
    let inner = |op: Op| Op::Txn(Txn::new().when(there()).then(op));
    costs(&server, "get", "Range", 0, async || kv.get("/k").await).await;
    costs(&server, "get of nothing", "Range", 0, async || kv.get("/nothing").await).await;
    costs(&server, "list", "Range", 0, async || kv.list(Range::prefix("/")).await).await;
    costs(&server, "put", "Put", 1, async || kv.put("/k", "v").await).await;
    costs(&server, "delete", "DeleteRange", 1, async || kv.delete("/nothing").await).await;
    let txn = |txn: Txn| {
        let kv = kv.clone();
        async move || kv.commit(txn.clone()).await
    };
    costs(&server, "txn that reads", "Txn", 0, txn(Txn::new().when(there()).then(read()).otherwise(read()))).await;
    costs(&server, "txn that compares", "Txn", 0, txn(Txn::new().when(there()))).await;
    costs(&server, "txn that writes", "Txn", 1, txn(Txn::new().when(there()).then(Op::put("/k", "v")))).await;
    let refused = Txn::new().when(Compare::absent("/k")).then(Op::put("/k", "v")).otherwise(read());
    costs(&server, "refused txn with a put", "Txn", 1, txn(refused)).await;
    costs(&server, "nested txn that writes", "Txn", 1, txn(Txn::new().then(inner(Op::put("/k", "v"))))).await;
}

#[tokio::test]
async fn gets_that_are_begun_together_are_one_request_for_32_and_no_proposal() {
    let server = Server::plain().await;
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let bill = least(&server, async || {
        let gets: JoinSet<_> = (0..1 + 2 * 32)
            .map(|number| {
                let kv = client.kv();
                async move { kv.get(format!("/k{number}")).await }
            })
            .collect();
        for got in gets.join_all().await {
            assert_eq!(got.expect("get"), None);
        }
    });
    assert_eq!(bill.await, (3, 0), "the first is alone and goes at once");
}
