//! The situations of these tests, each in a line.

use std::time::Duration;

use etcd_client::PutOptions;
use gocore_etcd_core::{Candidacy, CandidacyState, Client, Leader, Leadership, Observation, Result};
use gocore_etcd_tests::{Agent, eventually};
use tokio::task::JoinHandle;
use tokio::time::timeout;

pub(crate) use gocore_etcd_tests::story::{SOON, client, client_of, keys};

/// Far beyond every limit here: nothing happens because a lease expires.
pub(crate) const TTL: Duration = Duration::from_secs(30);

/// A task that campaigns.
pub(crate) fn campaigning(client: &Client, key: &str, identity: &str, ttl: Duration) -> JoinHandle<Result<Leadership>> {
    let (client, key, identity) = (client.clone(), key.to_owned(), identity.to_owned());
    tokio::spawn(async move { client.campaign(&key, &identity, ttl).await })
}

/// What a campaigning task comes to.
pub(crate) async fn outcome(campaigning: JoinHandle<Result<Leadership>>) -> Result<Leadership> {
    timeout(SOON, campaigning).await.expect("the campaign ends").expect("no panic")
}

/// The candidates for a key of the default prefix, in order of arrival.
pub(crate) async fn candidates(etcd: &etcd_client::Client, key: &str) -> Vec<String> {
    keys(etcd, &format!("/go-core/elections/{key}/")).await
}

/// Waits until there are so many candidates.
pub(crate) async fn until_candidates(etcd: &etcd_client::Client, key: &str, count: usize) {
    let what = format!("{count} candidates for {key}");
    eventually(SOON, &what, async || (candidates(etcd, key).await.len() == count).then_some(())).await;
}

/// Puts a key by a plain client, under a lease if it has one.
pub(crate) async fn put(etcd: &etcd_client::Client, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>, lease: i64) {
    let options = PutOptions::new().with_lease(lease);
    etcd.kv_client().put(key, value, Some(options)).await.expect("a put on the healthy path");
}

/// The next that an observer sees.
pub(crate) async fn seen(observation: &mut Observation) -> Option<Leader> {
    timeout(SOON, observation.next()).await.expect("a change").expect("a leader or none")
}

/// The same, as those compare it who do not care when it was written.
pub(crate) async fn seen_pair(observation: &mut Observation) -> Option<(i64, String)> {
    seen(observation).await.map(|leader| (leader.token, leader.identity))
}

/// The next state of a candidacy.
pub(crate) async fn state(candidacy: &mut Candidacy) -> CandidacyState {
    timeout(SOON, candidacy.changed()).await.expect("a change").expect("a state")
}

/// Waits until a candidacy leads.
pub(crate) async fn until_leading(candidacy: &mut Candidacy) -> i64 {
    loop {
        if let CandidacyState::Leading { token } = state(candidacy).await {
            return token;
        }
    }
}

/// A process of its own that uses the library.
pub(crate) async fn agent(prefix: &str, endpoints: &[String]) -> Agent {
    let args = std::iter::once(prefix).chain(endpoints.iter().map(String::as_str));
    let mut agent = Agent::spawn(env!("CARGO_BIN_EXE_agent"), args);
    agent.expect("connected", SOON).await;
    agent
}
