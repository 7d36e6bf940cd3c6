//! The situations of these tests, each in a line.

use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, ClientConfig, Error, ErrorKind};
use gocore_etcd_tests::{Auth, Cluster, Server};

/// What happens at once, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// A client of our library.
pub(crate) async fn client(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Client {
    connected(ClientConfig::new(endpoints)).await
}

/// A client of our library as `config` has it.
pub(crate) async fn connected(config: ClientConfig) -> Client {
    Client::connect(config).await.expect("connect")
}

/// A client of our library on a direct path to a server.
pub(crate) async fn client_of(server: &Server) -> Client {
    client([server.endpoint()]).await
}

/// A configuration of the user whose rights end at its prefix.
pub(crate) fn as_worker(endpoints: impl IntoIterator<Item = impl Into<String>>, auth: &Auth) -> ClientConfig {
    ClientConfig::new(endpoints).user(&auth.user, &auth.password)
}

/// Why connecting fails, and how long that took.
pub(crate) async fn refused(config: ClientConfig) -> (Error, Duration) {
    let began = Instant::now();
    let error = Client::connect(config).await.expect_err("must not connect");
    println!("{error}");
    (error, began.elapsed())
}

/// Connecting fails with this kind, and the text contains all of `words`.
pub(crate) async fn refused_as(kind: ErrorKind, config: ClientConfig, words: &[&str]) -> Error {
    let (error, _) = refused(config).await;
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.op(), "client.connect");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
    error
}

/// The member that leads after `old`, as soon as one of the others says so of itself.
pub(crate) async fn leads_after(cluster: &Cluster, old: usize) -> usize {
    let others = (0..cluster.size()).filter(|member| *member != old);
    let found = async || {
        for member in others.clone() {
            if cluster.server(member).metrics().await.is_leader() {
                return Some(member);
            }
        }
        None
    };
    gocore_etcd_tests::eventually(Duration::from_secs(20), "another leader", found).await
}
