//! What the acts are made of: a worker starts, contends, waits, holds, writes.

use std::time::Duration;

use gocore_etcd_tests::clock::boottime;
use gocore_etcd_tests::process::Event;
use serde_json::json;
use tokio::time::sleep;

use super::cast::{Cast, number, time};
use super::stage::{Contender, Deletions, Stage};
use super::tell::{Teller, Who};
use super::verdict::Verdict;
use crate::Outcome;

/// The lock's name.
pub(super) const NAME: &str = "report";
/// The shortest that etcd grants with its own timing, so that the story is short.
pub(super) const TTL: Duration = Duration::from_secs(2);

/// The story so far.
pub(super) struct Story<'a> {
    pub(super) stage: &'a Stage,
    pub(super) cast: &'a mut Cast,
    pub(super) tell: &'a Teller,
    /// The lock's full key, without the contender's part.
    pub(super) lock: String,
    /// What the holders write.
    pub(super) result: String,
    pub(super) deletions: Deletions,
    /// Who came, in that order, with the revision that etcd gave its key.
    pub(super) arrivals: Vec<(usize, i64)>,
    /// Who held, as they said.
    pub(super) turns: Vec<Turn>,
    pub(super) verdict: Verdict,
}

/// The beginning of a worker's hold.
pub(super) struct Turn {
    pub(super) worker: usize,
    pub(super) token: i64,
    pub(super) since: Duration,
}

impl Story<'_> {
    /// What a worker is called.
    pub(super) fn name(&self, worker: usize) -> &str {
        self.tell.name(worker)
    }

    pub(super) async fn start(&mut self, worker: usize, endpoints: &[String]) -> Outcome {
        let process = self.cast.start(&self.stage.prefix, endpoints);
        let pid = process.pid();
        process.says("connected").await?;
        let by = if endpoints == self.stage.endpoints { "" } else { "the proxy on " };
        let says = format!("is process {pid}, connected to {by}{}", endpoints.join(", "));
        self.tell.now(Who::Worker(worker)).says(says);
        Ok(())
    }

    /// The worker comes to the lock, which nobody holds.
    pub(super) async fn takes(&mut self, worker: usize) -> Outcome {
        self.contend(worker)?;
        let acquired = self.cast.worker(worker).says("acquired").await?;
        let own = self.owner().await?;
        self.arrivals.push((worker, own.revision));
        self.holds(worker, &acquired, &format!("holds the lock as {}", self.short(&own.key)));
        Ok(())
    }

    /// The worker comes to the lock and waits as the last of those that are there: as etcd has it.
    pub(super) async fn waits(&mut self, worker: usize) -> Outcome {
        self.contend(worker)?;
        self.cast.worker(worker).says("waiting").await?;
        let last = self.arrivals.last().map_or(0, |(last, _)| *last);
        let queue = self.until_queued(self.arrivals.len() + 1).await?;
        let [.., before, mine] = &queue[..] else { return Err("nobody is before it".to_owned()) };
        if queue.len() > self.arrivals.len() + 1 {
            return Err("a stranger is in the queue".to_owned());
        }
        let (own, watched) = (self.short(&mine.key), self.short(&before.key));
        let says = format!("waits as {own}; watches one key, that of {} before it: {watched}", self.name(last));
        self.tell.now(Who::Worker(worker)).revision(mine.revision).says(says);
        self.arrivals.push((worker, mine.revision));
        Ok(())
    }

    fn contend(&mut self, worker: usize) -> Outcome {
        self.cast.worker(worker).ask(json!({"do": "lock", "key": NAME, "ttl_ms": TTL.as_millis() as u64}))
    }

    pub(super) fn holds(&mut self, worker: usize, acquired: &Event, says: &str) {
        let (token, since) = (number(acquired, "token"), time(acquired));
        self.turns.push(Turn { worker, token, since });
        self.tell.at(since, Who::Worker(worker)).token(token).says(says);
    }

    pub(super) async fn still_holds(&mut self, worker: usize) -> Outcome {
        self.cast.worker(worker).ask(json!({"do": "is_held"}))?;
        let answer = self.cast.worker(worker).says("held").await?;
        let held = answer.body["held"].as_bool().unwrap_or_default();
        let says = if held { "still holds it, longer than its TTL: it lives" } else { "holds it no longer" };
        self.tell.at(time(&answer), Who::Worker(worker)).says(says);
        if held { Ok(()) } else { Err(format!("{} lost its lock in fair weather", self.name(worker))) }
    }

    pub(super) async fn writes(&mut self, worker: usize) -> Outcome {
        let value = format!("by {}", self.name(worker));
        self.cast.worker(worker).ask(json!({"do": "put", "key": self.result, "value": value}))?;
        let written = self.cast.worker(worker).says("written").await?;
        let says = format!("writes {} = \"{value}\", guarded by its lock", self.result);
        self.tell.at(written.at, Who::Worker(worker)).revision(number(&written, "revision")).says(says);
        Ok(())
    }

    /// The key of the holder.
    pub(super) async fn owner(&self) -> Result<Contender, String> {
        Ok(self.until_queued(1).await?.swap_remove(0))
    }

    /// The queue, once it has so many members.
    async fn until_queued(&self, members: usize) -> Result<Vec<Contender>, String> {
        let end = boottime() + Duration::from_secs(20);
        loop {
            let queue = self.stage.queue(&self.lock).await?;
            if queue.len() >= members {
                return Ok(queue);
            }
            if boottime() > end {
                return Err(format!("{} of {members} contenders are in etcd", queue.len()));
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// `…/` and the contender's part of its key.
    pub(super) fn short(&self, key: &str) -> String {
        format!("…{}", key.strip_prefix(&self.lock).unwrap_or(key))
    }
}
