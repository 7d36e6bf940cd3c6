//! Who leads, for anyone.

use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::kv::KeyValue;

/// A leader, as anyone sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leader {
    /// What it has proclaimed last, at first the identity it campaigned with.
    pub identity: String,
    /// Its fencing token, higher than that of every leader before, until the cluster is restored from a backup: the create
    /// revision of its key.
    pub token: i64,
    /// The revision at which `identity` was written.
    pub revision: i64,
}

impl Leader {
    /// From the key of a candidate, whoever wrote it.
    ///
    /// # Errors
    /// Malformed, naming the key, when the value is not UTF-8.
    pub(super) fn read(op: &'static str, kv: KeyValue) -> Result<Self> {
        let KeyValue { key, value, create_revision: token, mod_revision: revision, .. } = kv;
        let malformed = |error: std::string::FromUtf8Error| {
            let error = Error::new(ErrorKind::Malformed, op).with_key(key).with_source(error.utf8_error());
            error.with_detail(format!("the identity of the leader with token {token} is not UTF-8"))
        };
        let identity = String::from_utf8(value).map_err(malformed)?;
        Ok(Self { identity, token, revision })
    }
}

impl Client {
    /// Who leads `key` now; None when nobody does. No candidacy is needed.
    ///
    /// 1 request, 0 proposals; one or two more where the oldest key below the election's belongs to a longer name.
    ///
    /// # Errors
    /// InvalidArgument for `key`. Malformed, naming the key, when the leader's identity is not UTF-8 (foreign programs
    /// may write what they like). Unavailable, DeadlineExceeded, PermissionDenied, Unauthenticated, Closed.
    ///
    /// # Cancel safety
    /// Safe.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// match client.leader("scheduler").await? {
    ///     Some(leader) => println!("{} leads with token {}", leader.identity, leader.token),
    ///     None => println!("nobody leads"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn leader(&self, key: &str) -> Result<Option<Leader>> {
        let op = "election.leader";
        let election = self.election(op, key)?;
        self.leader_of(op, &election).await
    }

    /// The same for the full key of an election.
    pub(super) async fn leader_of(&self, op: &'static str, election: &str) -> Result<Option<Leader>> {
        let owner = self.contention().owner(op, election).await?;
        owner.map(|owner| Leader::read(op, owner)).transpose()
    }
}
