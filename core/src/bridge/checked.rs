//! Calls that wait for others, for a host that starts them and hears of them later: what can be refused without asking
//! etcd (a name, an identity, a closed client) is refused before anything is started.

use std::time::Duration;

use crate::client::Client;
use crate::election::Leadership;
use crate::error::Result;
use crate::lock::Lock;

/// [`Client::lock`], checked now; the future does the rest.
///
/// # Errors
/// InvalidArgument, Closed.
pub fn checked_lock(
    client: &Client,
    key: &str,
    ttl: Duration,
) -> Result<impl Future<Output = Result<Lock>> + Send + 'static + use<>> {
    client.locking(key, ttl)
}

/// [`Client::campaign`], checked now; the future does the rest.
///
/// # Errors
/// InvalidArgument, Closed.
pub fn checked_campaign(
    client: &Client,
    key: &str,
    identity: &str,
    ttl: Duration,
) -> Result<impl Future<Output = Result<Leadership>> + Send + 'static + use<>> {
    client.campaigning(key, identity, ttl)
}
