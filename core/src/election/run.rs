//! Work that is done by the leader alone: begun when this leads, stopped when it leads no longer, again and again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::{Candidate, LONGEST_PAUSE, Leadership, SHORTEST_PAUSE};
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::time::Backoff;

impl Client {
    /// Campaigns for `key`, and while leading it runs `work`; when the leadership is lost the work's future is dropped.
    /// Then it starts over, until the work says that it is done.
    ///
    /// - `key`, `identity`, `ttl`: as for [`Client::campaign`].
    /// - `work` is given the leadership, for its token, its guarded writes, `proclaim`. Its future ends with
    ///   `ControlFlow::Continue(())`: resign, let others lead, campaign again; or with `ControlFlow::Break(value)`:
    ///   resign, and this call returns `value`. Work that resigns by itself is not stopped for that. After `Continue`
    ///   there is no pause: each turn is two proposals, so work that finds nothing to do should wait before it says so.
    ///
    /// Waits without limit for others; whatever fails because etcd is away, or because a session was lost, is tried
    /// again after a pause of at most 2 s.
    ///
    /// The work is stopped at its next await: what it does between two of them should be short against the TTL, or ask
    /// [`Leadership::is_leader`]. It runs in the caller's task.
    ///
    /// # Errors
    /// InvalidArgument for `key`, `identity` or `ttl`. PermissionDenied, Unauthenticated, ResourceExhausted (a full
    /// store) as etcd says. Closed: the work's future is dropped, too.
    ///
    /// # Cancel safety
    /// Safe: dropping it drops the work's future, and resigns or leaves the queue in the background.
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example(client: gocore_etcd_core::Client) -> gocore_etcd_core::Result<()> {
    /// use std::ops::ControlFlow;
    /// use std::time::Duration;
    ///
    /// let report = client.key(["scheduler", "report"]);
    /// let done = client.run_as_leader("scheduler", "10.0.0.7:8080", Duration::from_secs(10), |leadership| {
    ///     let report = report.clone();
    ///     async move {
    ///         match leadership.put(report, "all jobs are done").await {
    ///             Ok(revision) => ControlFlow::Break(revision),
    ///             Err(_) => ControlFlow::Continue(()),
    ///         }
    ///     }
    /// });
    /// println!("reported at revision {}", done.await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run_as_leader<T, F, W>(&self, key: &str, identity: &str, ttl: Duration, mut work: F) -> Result<T>
    where
        F: FnMut(Arc<Leadership>) -> W,
        W: Future<Output = ControlFlow<T>>,
    {
        let candidate = self.candidate("election.run", key, identity, ttl)?;
        let mut backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        loop {
            let leadership = match candidate.campaign(self, None).await {
                Ok(leadership) => Arc::new(leadership),
                Err(error) if error.is_retryable() || error.kind() == ErrorKind::Lost => {
                    tracing::debug!(%error, key = candidate.key, "a campaign failed, will be tried again");
                    backoff.pause().await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            backoff.reset();
            if let Some(value) = self.lead(&candidate, leadership, &mut work).await? {
                return Ok(value);
            }
        }
    }

    /// One leadership: None when it is over and the next is wanted.
    async fn lead<T, F, W>(&self, candidate: &Candidate, leadership: Arc<Leadership>, work: &mut F) -> Result<Option<T>>
    where
        F: FnMut(Arc<Leadership>) -> W,
        W: Future<Output = ControlFlow<T>>,
    {
        let (loss, closing) = (leadership.loss(), self.tasks().closing());
        let lost = async { if loss.await { true } else { std::future::pending().await } };
        let flow = tokio::select! {
            biased;
            _ = lost => return Ok(None),
            () = closing => return Err(Error::closed(candidate.op).with_key(&candidate.key)),
            flow = work(leadership.clone()) => flow,
        };
        let mut backoff = Backoff::new(SHORTEST_PAUSE, LONGEST_PAUSE);
        while let Err(error) = leadership.resign().await {
            tracing::debug!(%error, key = candidate.key, "resigning after the work failed");
            match error.kind() {
                // The work is done all the same; the leadership is given back in the background.
                _ if flow.is_break() => break,
                ErrorKind::Lost => break,
                // Until its key is gone we would queue behind ourselves.
                _ if error.is_retryable() => backoff.pause().await,
                _ => return Err(error),
            }
        }
        Ok(flow.break_value())
    }
}
