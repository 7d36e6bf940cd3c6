//! Campaigning in the background: for a service that goes on serving whether it leads or not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::standing::Standing;
use super::told::Told;
use super::{Candidate, LONGEST_PAUSE, Leadership, SHORTEST_PAUSE};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Backoff;

mod standing;

/// How a candidacy stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CandidacyState {
    /// On its way to leadership.
    Waiting {
        /// How many are before it: 1 when only the leader is. None as long as it has not queued and counted them.
        ///
        /// An upper bound: counted when it queues, keys of longer names included, and then less one each time that the
        /// candidate right before it goes. To know better would cost every candidate a message for each change.
        place: Option<u64>,
    },
    /// It leads: [`Candidacy::leadership`].
    Leading {
        /// The fencing token.
        token: i64,
    },
    /// It had a place or the leadership, and has neither now: its session died, because etcd could not be reached for
    /// a TTL, or because somebody deleted its key. It queues again, at the end, as soon as it can.
    Lost,
    /// It has ended: resigned, or its client was closed. Nothing comes after.
    Resigned,
}

/// A candidacy that goes on in the background: it queues, leads, and should it lose its place or the leadership, it
/// queues again, until it resigns.
///
/// Dropping it ends it in the background; a leadership that somebody has from [`Candidacy::leadership`] lives until that
/// is dropped too. It keeps its client alive; closing the client resigns.
pub struct Candidacy {
    key: String,
    standing: Arc<watch::Sender<Standing>>,
    news: watch::Receiver<Standing>,
    told: Told,
    ended: CancellationToken,
    /// Kept alive.
    _client: Client,
}

impl Client {
    /// Campaigns for the leadership of `key` in the background. The arguments are those of [`Client::campaign`].
    ///
    /// What fails because etcd is away is tried again after a pause of at most 2 s; other failures (PermissionDenied,
    /// a full store) too, but [`Candidacy::changed`] tells them.
    ///
    /// The cost is that of [`Client::campaign`], and one read when it queues behind others, to know its place. While
    /// it waits it sends nothing.
    ///
    /// # Errors
    /// InvalidArgument for `key`, `identity` or `ttl`; Closed. Nothing is sent before it returns.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// use std::time::Duration;
    /// use gocore_etcd_core::CandidacyState;
    ///
    /// let mut candidacy = client.candidacy("scheduler", "10.0.0.7:8080", Duration::from_secs(10))?;
    /// loop {
    ///     match candidacy.changed().await? {
    ///         CandidacyState::Leading { token } => println!("leading with token {token}"),
    ///         CandidacyState::Resigned => break,
    ///         state => println!("not leading: {state:?}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn candidacy(&self, key: &str, identity: &str, ttl: Duration) -> Result<Candidacy> {
        let candidate = self.candidate("election.candidacy", key, identity, ttl)?;
        let key = candidate.key.clone();
        let (standing, news) = watch::channel(Standing::new());
        let (standing, ended) = (Arc::new(standing), CancellationToken::new());
        let standing_down = StandDown(standing.clone());
        let (client, end) = (self.clone(), ended.clone());
        // Not ended by closing but by itself, so that the end is told.
        self.tasks().spawn_cleanup(async move {
            let StandDown(standing) = &standing_down;
            tokio::select! {
                biased;
                () = end.cancelled() => {}
                () = client.tasks().closing() => {}
                () = stand(&client, &candidate, standing) => {}
            }
        });
        Ok(Candidacy { key, standing, news, told: Told::default(), ended, _client: self.clone() })
    }
}

/// Campaigns, leads and campaigns again, until the leadership is given back.
async fn stand(client: &Client, candidate: &Candidate, standing: &watch::Sender<Standing>) {
    let mut backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
    let queued = |place| standing.send_modify(|standing| standing.queued(place));
    loop {
        match candidate.campaign(client, Some(&queued)).await {
            Ok(leadership) => {
                backoff.reset();
                let loss = leadership.loss();
                standing.send_modify(|standing| standing.won(Arc::new(leadership)));
                if !loss.await {
                    return;
                }
                let mut lost = None;
                standing.send_modify(|standing| lost = standing.lost());
                drop(lost);
            }
            Err(error) if error.kind() == ErrorKind::Closed => return,
            Err(error) => {
                tracing::debug!(%error, key = candidate.key, "a campaign failed, will be tried again");
                standing.send_modify(|standing| standing.failed(error));
                backoff.pause().await;
            }
        }
    }
}

/// However campaigning ends, it is told; and who was leading leads no longer.
struct StandDown(Arc<watch::Sender<Standing>>);

impl Drop for StandDown {
    fn drop(&mut self) {
        self.0.send_modify(Standing::resigned);
    }
}

impl Candidacy {
    /// The full key of the election, `{prefix}/elections/{key}`, without the candidate's part.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// How it stands now. That it leads is as exact as [`Leadership::is_leader`].
    pub fn state(&self) -> CandidacyState {
        self.standing.borrow().state()
    }

    /// Whether it leads now: a read that compares clocks itself, see [`Leadership::is_leader`].
    pub fn is_leader(&self) -> bool {
        matches!(self.state(), CandidacyState::Leading { .. })
    }

    /// The leadership, while it leads. Resigning it ends the candidacy.
    pub fn leadership(&self) -> Option<Arc<Leadership>> {
        self.standing.borrow().leadership().cloned()
    }

    /// The state: the first call gives the present one, each further one waits for a change. If you were slow you may
    /// miss states, but between two leaderships there is always one without.
    ///
    /// # Errors
    /// A failure that does not pass by itself (PermissionDenied, Unauthenticated, ResourceExhausted …): once, while it
    /// is tried again; then call again for the next change. Closed after Resigned was told.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken that is not returned.
    pub async fn changed(&mut self) -> Result<CandidacyState> {
        let op = "election.candidacy";
        loop {
            if self.told.is_all() {
                let error = Error::new(ErrorKind::Closed, op).with_key(&self.key);
                return Err(error.with_detail("the candidacy has ended"));
            }
            if let Some(news) = self.told.next(self.news.borrow_and_update().tale()) {
                return news;
            }
            // We hold a sender ourselves.
            self.news.changed().await.map_err(|_| Error::closed(op).with_key(&self.key))?;
        }
    }

    /// Ends the candidacy: gives the leadership back, or leaves the queue in the background. From the beginning of the
    /// call on it does not lead. Idempotent.
    ///
    /// 1 request, 1 proposal.
    ///
    /// # Errors
    /// Unavailable or DeadlineExceeded within the client's request timeout when it led and etcd is away: then it is given
    /// back in the background, and another call waits for that. Closed.
    ///
    /// # Cancel safety
    /// Safe once it was polled: the candidacy ends, and what it leads is given back, by another call or by dropping it at
    /// the latest.
    pub async fn resign(&self) -> Result<()> {
        if let Some(leadership) = self.leadership() {
            leadership.give_back();
        }
        self.ended.cancel();
        // Its task ends without any request.
        let ended = self.standing.subscribe().wait_for(Standing::has_ended).await.map(|standing| standing.last());
        match ended.ok().flatten() {
            Some(leadership) => match leadership.resign().await {
                // Lost and not campaigned for again: that is what was asked for.
                Err(error) if error.kind() == ErrorKind::Lost => Ok(()),
                resigned => resigned,
            },
            None => Ok(()),
        }
    }
}

impl Drop for Candidacy {
    fn drop(&mut self) {
        // Its holder, if there is one besides us, goes on leading.
        let mut leadership = None;
        self.standing.send_modify(|standing| leadership = standing.take_leadership());
        self.ended.cancel();
    }
}

impl fmt::Debug for Candidacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Candidacy").field("key", &self.key()).field("state", &self.state()).finish_non_exhaustive()
    }
}
