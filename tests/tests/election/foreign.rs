//! Candidates of the Go package: ours wait for them and they for ours, and each sees the other lead.

use etcd_client::{Compare, CompareOp, GetOptions, PutOptions, SortOrder, SortTarget, Txn, TxnOp};
use gocore_etcd_core::CandidacyState;
use gocore_etcd_tests::{Server, eventually};

use crate::story::{SOON, TTL, campaigning, candidates, client_of, outcome, seen_pair, state, until_candidates};

/// What the Go package's election does, by a plain client: client/v3/concurrency, `Election`.
struct GoElection {
    etcd: etcd_client::Client,
    key: String,
    lease: i64,
    revision: i64,
}

impl GoElection {
    async fn queue(etcd: &etcd_client::Client, name: &str, identity: &str) -> GoElection {
        let lease = etcd.lease_client().grant(60, None).await.expect("grant").id();
        let key = format!("/go-core/elections/{name}/{lease:x}");
        let put = TxnOp::put(key.as_str(), identity, Some(PutOptions::new().with_lease(lease)));
        let txn = Txn::new()
            .when([Compare::create_revision(key.as_str(), CompareOp::Equal, 0)])
            .and_then([put])
            .or_else([TxnOp::get(key.as_str(), None)]);
        let answer = etcd.kv_client().txn(txn).await.expect("txn");
        let revision = answer.header().expect("a header").revision();
        GoElection { etcd: etcd.clone(), key, lease, revision }
    }

    fn queue_of(&self) -> &str {
        &self.key[..=self.key.rfind('/').expect("a slash")]
    }

    async fn until_leading(&self) {
        let before = || GetOptions::new().with_prefix().with_max_create_revision(self.revision - 1).with_count_only();
        let first = async || {
            let options = before().with_limit(1).with_sort(SortTarget::Create, SortOrder::Descend);
            let found = self.etcd.kv_client().get(self.queue_of(), Some(options)).await.ok()?;
            found.kvs().is_empty().then_some(())
        };
        eventually(SOON, "the Go candidate's turn", first).await;
    }

    async fn proclaim(&self, identity: &str) {
        let txn = Txn::new()
            .when([Compare::create_revision(self.key.as_str(), CompareOp::Equal, self.revision)])
            .and_then([TxnOp::put(self.key.as_str(), identity, Some(PutOptions::new().with_lease(self.lease)))]);
        assert!(self.etcd.kv_client().txn(txn).await.expect("txn").succeeded());
    }

    /// What Go's observers look for.
    async fn leader(&self) -> String {
        let options = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend).with_limit(1);
        let found = self.etcd.kv_client().get(self.queue_of(), Some(options)).await.expect("get");
        found.kvs()[0].value_str().expect("text").to_owned()
    }

    async fn resign(self) {
        let txn = Txn::new()
            .when([Compare::create_revision(self.key.as_str(), CompareOp::Equal, self.revision)])
            .and_then([TxnOp::delete(self.key.as_str(), None)]);
        self.etcd.kv_client().txn(txn).await.expect("txn");
    }
}

#[tokio::test]
async fn candidates_of_go_and_ours_lead_in_order_of_arrival_and_see_each_other() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let mut observation = ours.observe("k").expect("observe");
    assert_eq!(seen_pair(&mut observation).await, None);
    let go = GoElection::queue(&etcd, "k", "go").await;
    assert_eq!(seen_pair(&mut observation).await, Some((go.revision, "go".to_owned())));
    go.proclaim("go again").await;
    assert_eq!(seen_pair(&mut observation).await, Some((go.revision, "go again".to_owned())));

    let waiting = campaigning(&ours, "k", "ours", TTL);
    until_candidates(&etcd, "k", 2).await;
    let last = GoElection::queue(&etcd, "k", "go last").await;
    let mut candidacy = ours.candidacy("k", "ours last", TTL).expect("candidacy");
    while state(&mut candidacy).await != (CandidacyState::Waiting { place: Some(3) }) {}
    assert!(!waiting.is_finished());
    go.resign().await;
    let leadership = outcome(waiting).await.expect("its turn");
    assert_eq!(seen_pair(&mut observation).await, Some((leadership.token(), "ours".to_owned())));
    assert_eq!(last.leader().await, "ours");
    leadership.proclaim("ours again").await.expect("proclaim");
    assert_eq!(last.leader().await, "ours again");
    assert_eq!(candidates(&etcd, "k").await.len(), 3);
    leadership.resign().await.expect("resign");
    last.until_leading().await;
    assert!(!candidacy.is_leader());
    last.resign().await;
    while !matches!(state(&mut candidacy).await, CandidacyState::Leading { .. }) {}
}
