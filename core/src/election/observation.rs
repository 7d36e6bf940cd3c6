//! Watching who leads: first who does now, then every change, for as long as you like.

use self::picture::Picture;
use super::Leader;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::range::Range;
use crate::watch::Watch;

mod picture;

const OP: &str = "election.observe";

/// An observer of an election. Dropping it ends it. It keeps its client alive.
#[derive(Debug)]
pub struct Observation {
    watch: Watch,
    picture: Picture,
    client: Client,
}

impl Observation {
    /// Of the election with this full key.
    pub(super) fn begin(client: &Client, election: &str) -> Self {
        let queue = format!("{election}/");
        let watch = client.watches().snapshot_and_watch(Range::prefix(queue.as_str()));
        Self { watch, picture: Picture::new(queue), client: client.clone() }
    }

    /// Who leads: the first call gives the present state, each further one waits for a change. None is "no leader"; a
    /// proclamation is a change with the same token.
    ///
    /// Leaders come in the order in which they led; one that leads no longer when you ask may be left out if you were
    /// slow or etcd was away. Waits without limit; failures are waited out.
    ///
    /// # Errors
    /// Closed, when the client was closed: nothing comes after. Any other is told once, and the observation goes on: call
    /// again for the next change. Malformed, naming the key, when somebody leads whose identity is not UTF-8;
    /// PermissionDenied, Unauthenticated when etcd does not let us look.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken that is not returned.
    pub async fn next(&mut self) -> Result<Option<Leader>> {
        loop {
            let update = tokio::select! {
                biased;
                () = self.client.tasks().closing() => return Err(Error::closed(OP)),
                update = self.watch.try_next() => update.map_err(|error| error.with_op(OP))?,
            };
            if let Some(leader) = self.picture.update(update) {
                return leader.map(|leader| Leader::read(OP, leader)).transpose();
            }
        }
    }
}

impl Client {
    /// Observes who leads `key`. No candidacy is needed, and nobody need ever have been a candidate.
    ///
    /// The first observer or watch of a client opens a stream, which the others share; then it is one read for every
    /// 1,000 candidates, and one message for each candidate that comes, proclaims or goes. It holds what the candidates'
    /// keys hold in etcd.
    ///
    /// # Errors
    /// InvalidArgument for `key`; Closed.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// let mut observation = client.observe("scheduler")?;
    /// loop {
    ///     match observation.next().await? {
    ///         Some(leader) => println!("{} leads with token {}", leader.identity, leader.token),
    ///         None => println!("nobody leads"),
    ///     }
    /// }
    /// # }
    /// ```
    pub fn observe(&self, key: &str) -> Result<Observation> {
        let election = self.election(OP, key)?;
        Ok(Observation::begin(self, &election))
    }
}
