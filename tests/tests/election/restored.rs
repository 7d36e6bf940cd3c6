//! An election in a cluster that is restored from a backup: it begins anew, for observers too.

use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::{Server, eventually};
use tokio::time::timeout;

use crate::story::{SOON, TTL, campaigning, client_of, outcome, seen, seen_pair, until_candidates};

#[tokio::test]
async fn an_observer_of_a_restored_cluster_begins_anew_and_sees_who_leads_there() {
    let mut server = Server::plain().await;
    let (ours, other) = (client_of(&server).await, client_of(&server).await);
    let first = ours.campaign("k", "first", TTL).await.expect("campaign");
    let mut observation = other.observe("k").expect("observe");
    let led = Some((first.token(), "first".to_owned()));
    assert_eq!(seen_pair(&mut observation).await, led);
    let backup = server.back_up();
    server.restart().await;
    eventually(SOON, "etcd takes writes", async || ours.kv().put("/noise", "").await.ok()).await;
    first.resign().await.expect("resign");
    assert_eq!(seen(&mut observation).await, None);
    let second = ours.campaign("k", "second", TTL).await.expect("campaign");
    assert_eq!(seen_pair(&mut observation).await, Some((second.token(), "second".to_owned())));
    // The observer's, that of the session's record, and that of the leader's own key.
    let watched = async || (server.metrics().await.watchers() >= 3).then_some(());
    eventually(SOON, "its own key is watched", watched).await;

    server.put_back(backup);
    server.restart().await;
    // Older than what it has seen, but true: it leads again, as long as its lease is there.
    assert_eq!(seen_pair(&mut observation).await, led);
    timeout(SOON, second.lost()).await.expect("its key is gone");
    assert_eq!(second.resign().await.expect_err("it does not lead").kind(), ErrorKind::Lost);
    let etcd = server.client().await;
    let next = campaigning(&other, "k", "next", TTL);
    until_candidates(&etcd, "k", 2).await;
    ours.close().await.expect("close");
    let next = outcome(next).await.expect("its turn");
    assert_eq!(seen_pair(&mut observation).await, Some((next.token(), "next".to_owned())));
    next.resign().await.expect("resign");
    assert_eq!(seen(&mut observation).await, None);
}
