//! The situations of these tests, each in a line.

use std::time::Duration;

use etcd_client::GetOptions;
use gocore_etcd_core::{Client, Lock, Result};
use gocore_etcd_tests::{Agent, eventually};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use gocore_etcd_tests::story::{
    AWHILE, MOST_POLLS, SOON, client, client_of, deletion, dropped_at_every_await, keys, polled,
};

/// A task that waits for a lock.
pub(crate) fn waiting(client: &Client, key: &str, ttl: Duration) -> JoinHandle<Result<Lock>> {
    let (client, key) = (client.clone(), key.to_owned());
    tokio::spawn(async move { client.lock(&key, ttl).await })
}

/// What a waiting task comes to.
pub(crate) async fn outcome(waiting: JoinHandle<Result<Lock>>) -> Result<Lock> {
    timeout(SOON, waiting).await.expect("the waiting ends").expect("no panic")
}

/// The contenders for a lock of the default prefix.
pub(crate) async fn contenders(etcd: &etcd_client::Client, key: &str) -> Vec<String> {
    keys(etcd, &format!("/go-core/locks/{key}/")).await
}

/// Waits until so many contend for a lock.
pub(crate) async fn until_contenders(etcd: &etcd_client::Client, key: &str, count: usize) {
    let what = format!("{count} contenders for {key}");
    eventually(SOON, &what, async || (contenders(etcd, key).await.len() == count).then_some(())).await;
}

/// Waits until another client can have the lock, and gives it back.
pub(crate) async fn until_free(other: &Client, key: &str, ttl: Duration) {
    let free = async || other.try_lock(key, ttl).await.expect("try_lock on the healthy path");
    eventually(SOON, "another client can take the lock", free).await.unlock().await.expect("unlock");
}

/// The lease a lock is under: of its first contender.
pub(crate) async fn lease_of(etcd: &etcd_client::Client, key: &str) -> i64 {
    let options = GetOptions::new().with_prefix();
    let found = etcd.kv_client().get(format!("/go-core/locks/{key}/"), Some(options)).await.expect("get");
    found.kvs().iter().min_by_key(|kv| kv.create_revision()).expect("a contender").lease()
}

/// A process of its own that uses the library.
pub(crate) async fn agent(prefix: &str, endpoints: &[String]) -> Agent {
    let args = std::iter::once(prefix).chain(endpoints.iter().map(String::as_str));
    let mut agent = Agent::spawn(env!("CARGO_BIN_EXE_agent"), args);
    agent.expect("connected", SOON).await;
    agent
}

/// Has an agent begin to take a lock.
pub(crate) fn tell_lock(agent: &mut Agent, key: &str, ttl: Duration) {
    let ttl_ms = ttl.as_millis() as u64;
    agent.send(&json!({"do": "lock", "key": key, "ttl_ms": ttl_ms})).expect("the agent listens");
}
