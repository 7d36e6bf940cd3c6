//! The situations of these tests, each in a line.

use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, Error, ErrorKind, Listing, Result};
use gocore_etcd_tests::Server;

/// What happens at once, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// A server, and a client of our library on a direct path to it.
pub(crate) async fn alone() -> (Server, Client) {
    let server = Server::plain().await;
    let client = client_of(&server).await;
    (server, client)
}

pub(crate) async fn client_of(server: &Server) -> Client {
    Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect")
}

/// Writes each key, with its own name as the value, in this order.
pub(crate) async fn with_keys(client: &Client, keys: &[&str]) -> Vec<i64> {
    let mut revisions = Vec::new();
    for key in keys {
        revisions.push(client.kv().put(*key, *key).await.expect("put"));
    }
    revisions
}

/// The keys of a listing as text.
pub(crate) fn names(listing: &Listing) -> Vec<&str> {
    listing.kvs.iter().map(|kv| std::str::from_utf8(&kv.key).expect("text")).collect()
}

/// It failed, with this kind, and neither was it applied nor does trying again help.
pub(crate) fn fails<T: std::fmt::Debug>(kind: ErrorKind, result: Result<T>) -> Error {
    let error = result.expect_err("must fail");
    assert_eq!(error.kind(), kind, "{error}");
    assert!(!error.maybe_applied() && !error.is_retryable(), "{error}");
    error
}
