//! Without the rights: it is told, once, and when they are given it goes on.

use std::time::Duration;

use etcd_client::{Permission, RoleRevokePermissionOptions};
use gocore_etcd_core::{CandidacyState, Client, ClientConfig, ErrorKind};
use gocore_etcd_tests::{Auth, Proxy, Server, ServerOptions};
use tokio::time::timeout;

use crate::story::{SOON, TTL, seen, until_leading};

#[tokio::test]
async fn who_may_not_is_told_so_once_and_goes_on_when_it_may() {
    // Enough to connect.
    let auth = Auth::simple(Duration::from_secs(300)).prefix("/go-core/.gocore/");
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let config = ClientConfig::new([server.endpoint()]).user(auth.user.clone(), auth.password.clone());
    let client = Client::connect(config).await.expect("connect");
    let mut observation = client.observe("k").expect("observe");
    let mut candidacy = client.candidacy("k", "me", TTL).expect("candidacy");
    let denied = |error: gocore_etcd_core::Error| assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");

    denied(client.campaign("k", "me", TTL).await.expect_err("campaign"));
    denied(client.leader("k").await.expect_err("leader"));
    denied(timeout(SOON, observation.next()).await.expect("told").expect_err("observe"));
    assert!(timeout(Duration::from_millis(300), observation.next()).await.is_err(), "told once");
    let mut told = Vec::new();
    while let Ok(news) = timeout(Duration::from_millis(500), candidacy.changed()).await {
        told.push(news.map_err(|error| error.kind()));
    }
    told.sort_by_key(Result::is_ok);
    assert_eq!(told, [Err(ErrorKind::PermissionDenied), Ok(CandidacyState::Waiting { place: None })], "once each");

    let rights = Permission::read_write("/go-core/").with_prefix();
    let granted = server.client().await.auth_client().role_grant_permission(auth.user.as_str(), rights).await;
    granted.expect("an operator gives the rights");
    let token = until_leading(&mut candidacy).await;
    let mut leader = seen(&mut observation).await;
    if leader.is_none() {
        leader = seen(&mut observation).await;
    }
    assert_eq!(leader.expect("a leader").token, token);
}

/// A server that refuses a watch says nothing else any more: without another look the observer would believe what it saw
/// last for ever.
#[tokio::test]
async fn an_observer_whose_rights_are_taken_is_told_so_and_goes_on_when_they_are_given_back() {
    let auth = Auth::simple(Duration::from_secs(300)).prefix("/go-core/");
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let proxy = Proxy::start(server.address());
    let config = ClientConfig::new([proxy.endpoint()]).user(auth.user.clone(), auth.password.clone());
    let client = Client::connect(config).await.expect("connect");
    let mut observation = client.observe("k").expect("observe");
    assert_eq!(seen(&mut observation).await, None);

    let mut operator = server.client().await.auth_client();
    let options = RoleRevokePermissionOptions::new().with_prefix();
    operator.role_revoke_permission(auth.user.as_str(), "/go-core/", Some(options)).await.expect("revoked");
    // An open watch goes on; a new one is judged anew.
    proxy.cut();
    proxy.pass();
    let told = timeout(SOON, observation.next()).await.expect("told").expect_err("it may not watch");
    assert_eq!(told.kind(), ErrorKind::PermissionDenied, "{told}");

    let rights = Permission::read_write("/go-core/").with_prefix();
    operator.role_grant_permission(auth.user.as_str(), rights).await.expect("granted");
    let leadership = timeout(SOON, client.campaign("k", "me", TTL)).await.expect("soon").expect("it may");
    assert_eq!(seen(&mut observation).await.map(|leader| leader.token), Some(leadership.token()));
}
