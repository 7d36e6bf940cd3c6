//! Leader election: one leader at a time among the candidates for a key, in order of arrival, and observers of it.
//!
//! A candidate campaigns with an identity, any text by which others find it: [`Client::campaign`] waits until it leads
//! ([`Client::try_campaign`] does not wait),
//! [`Client::candidacy`] does so in the background, [`Client::run_as_leader`] does the work too, again and again.
//! Anybody asks who leads ([`Client::leader`]) or watches it ([`Client::observe`]).
//!
//! # What is promised
//! While clocks run at the same rate within the margin and the server keeps its leases (no revoke, delete or restore
//! by hand; servers with the lease fixes: 3.4.38, 3.5.23, 3.6.5 or newer), leadership is lost here before the server
//! can elect the next. Beyond that the fencing token protects: writes to etcd under a [`Guard`](crate::Guard) always,
//! other systems where they check [`Leadership::token`].
//!
//! Observers see the leaders in the order in which they led, "no leader" included, and never one that is older than one
//! they have seen (a cluster that was restored from a backup begins anew).
//!
//! Programs that use the Go package `go-core/etcd` are candidates and observers of the same elections. As with locks,
//! do not campaign for a shorter key (`jobs`) while leading a longer one (`jobs/1`): a Go program may wait on `jobs`
//! for every key below it.
//!
//! # Costs
//! `campaign` + `resign` in a warm session (another lock or leadership of the same TTL was held within the last TTL):
//! 2 requests, 2 proposals. A candidate that waits sends nothing; N candidates and one resignation wake one. `leader`: 1
//! request, 0 proposals. An observer is one read and one watch; each candidate's coming, proclaiming and going is a
//! message to it.

use std::time::Duration;

use crate::client::Client;
use crate::contender::Wanted;
use crate::error::{Error, Result};
use crate::keyspace;
use crate::lease::Ttl;
use crate::time::Deadline;

mod candidacy;
mod leader;
mod leadership;
mod observation;
mod run;
pub(crate) mod told;

pub use self::candidacy::{Candidacy, CandidacyState};
pub use self::leader::Leader;
pub use self::leadership::Leadership;
pub use self::observation::Observation;

/// The TTL of a candidate that names none: a service without its leader for so long at worst.
pub const DEFAULT_ELECTION_TTL: Duration = Duration::from_secs(15);

/// Between two campaigns, when one has failed and it is tried again.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The longest identity, in bytes: etcd takes no request above 1.5 MiB.
const LONGEST_IDENTITY: usize = 1 << 20;

impl Client {
    /// Campaigns for the leadership of `key` and waits for it. Order of arrival; each candidate watches one predecessor.
    ///
    /// - `key`: below the client's prefix; surrounding slashes are trimmed, inner ones kept. `jobs` and `jobs/1` are
    ///   two elections. Refused when, so trimmed, it is empty or blank (nothing but spaces and slashes), has a NUL, or is
    ///   longer than 1 KiB.
    /// - `identity`: what observers see of this candidate once it leads. Any text that is not blank and has no NUL, at
    ///   most 1 MiB; it is kept as given.
    /// - `ttl`: how long after the death of this process, or the loss of its network, the next leads. Zero is
    ///   [`DEFAULT_ELECTION_TTL`]; below 1 s is raised to 1 s, fractions are rounded up; what the server grants counts.
    ///
    /// Waits without limit for others; each single request has the client's request timeout. Candidates of one client
    /// are as good as candidates on different machines.
    ///
    /// # Errors
    /// InvalidArgument for `key`, `identity` or `ttl`, before anything is sent. Lost when the session died while
    /// waiting: the place in the queue is gone, call again. Unavailable, DeadlineExceeded when etcd is away: for the
    /// requests by which it queues; once queued it waits on, as long as the session lives. PermissionDenied,
    /// Unauthenticated, ResourceExhausted (a full store) as etcd says. Closed.
    ///
    /// # Cancel safety
    /// Safe at every await: dropping the future (`tokio::time::timeout`, `select!`) leaves the queue in the background;
    /// no candidate outlives its session.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// use std::time::Duration;
    ///
    /// let leadership = client.campaign("scheduler", "10.0.0.7:8080", Duration::from_secs(10)).await?;
    /// tokio::select! {
    ///     () = leadership.lost() => {}            // stop: the next leader may begin any moment now
    ///     () = async { /* the work */ } => {}
    /// }
    /// leadership.resign().await
    /// # }
    /// ```
    pub async fn campaign(&self, key: &str, identity: &str, ttl: Duration) -> Result<Leadership> {
        self.campaigning(key, identity, ttl)?.await
    }

    /// The same in two steps: what can be refused without asking etcd is refused now, all else is the future's.
    pub(crate) fn campaigning(
        &self,
        key: &str,
        identity: &str,
        ttl: Duration,
    ) -> Result<impl Future<Output = Result<Leadership>> + Send + 'static + use<>> {
        let candidate = self.candidate("election.campaign", key, identity, ttl)?;
        let client = self.clone();
        // In a box: it is large, and is moved about by whoever waits for it.
        Ok(Box::pin(async move { candidate.campaign(&client, None).await }))
    }

    /// Takes the leadership of `key` if nobody leads or campaigns for it, else gives None. Never disturbs a candidate.
    ///
    /// The arguments are those of [`Client::campaign`]. It waits for nobody: all of it has the client's request timeout.
    /// 1 request and no proposal when somebody is there, else 2 and 1, in a warm session.
    ///
    /// # Errors
    /// InvalidArgument, Unavailable, DeadlineExceeded, PermissionDenied, Unauthenticated, ResourceExhausted, Closed as for
    /// [`Client::campaign`].
    ///
    /// # Cancel safety
    /// As for [`Client::campaign`].
    pub async fn try_campaign(&self, key: &str, identity: &str, ttl: Duration) -> Result<Option<Leadership>> {
        let candidate = self.candidate("election.try_campaign", key, identity, ttl)?;
        let wanted = candidate.wanted(Deadline::after(self.door().request_timeout()), None);
        let owner = self.contention().try_acquire(wanted).await?;
        Ok(owner.map(|owner| Leadership::new(self.clone(), owner, identity)))
    }

    fn candidate(&self, op: &'static str, key: &str, identity: &str, ttl: Duration) -> Result<Candidate> {
        let key = keyspace::name(op, "key", key)?;
        check_identity(op, identity)?;
        let ttl = Ttl::new(op, ttl, DEFAULT_ELECTION_TTL)?;
        self.check_open(op)?;
        Ok(Candidate { op, key: self.keyspace().election(key), identity: identity.to_owned(), ttl })
    }

    /// The full key of an election, for those who look at it.
    fn election(&self, op: &'static str, key: &str) -> Result<String> {
        let key = keyspace::name(op, "key", key)?;
        self.check_open(op)?;
        Ok(self.keyspace().election(key))
    }
}

/// Who campaigns for what: arguments that were checked.
struct Candidate {
    op: &'static str,
    /// The election's full key, without a trailing slash.
    key: String,
    identity: String,
    ttl: Ttl,
}

impl Candidate {
    /// See [`Client::campaign`]. `places` is told how many are before it.
    async fn campaign(&self, client: &Client, places: Option<&(dyn Fn(u64) + Sync)>) -> Result<Leadership> {
        let owner = client.contention().acquire(self.wanted(Deadline::NEVER, places)).await?;
        Ok(Leadership::new(client.clone(), owner, &self.identity))
    }

    fn wanted<'a>(&'a self, deadline: Deadline, places: Option<&'a (dyn Fn(u64) + Sync)>) -> Wanted<'a> {
        let Self { op, key, identity, ttl } = self;
        Wanted { op, key, value: identity.as_bytes(), ttl: *ttl, deadline, places }
    }
}

/// NUL is refused because what is text here is text in C, too.
fn check_identity(op: &'static str, identity: &str) -> Result<()> {
    let wrong = |why: String| Err(Error::invalid(op, "identity", why));
    if identity.chars().all(char::is_whitespace) {
        return wrong("must not be empty or blank".to_owned());
    }
    if identity.contains('\0') {
        return wrong("must not contain NUL".to_owned());
    }
    if identity.len() > LONGEST_IDENTITY {
        return wrong(format!("is {} bytes long, at most {LONGEST_IDENTITY} are allowed", identity.len()));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
