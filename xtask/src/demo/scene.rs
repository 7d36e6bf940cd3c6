//! What the acts are made of: a worker starts, contends, holds, waits.

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
    /// Of the holders, in their order.
    pub(super) tokens: Vec<i64>,
    pub(super) verdict: Verdict,
}

impl Story<'_> {
    pub(super) async fn start(&mut self, worker: usize, endpoints: &[String]) -> Outcome {
        let worker_process = self.cast.start(&self.stage.prefix, endpoints);
        let pid = worker_process.pid();
        worker_process.says("connected").await?;
        let by = if endpoints == self.stage.endpoints { "" } else { "the proxy on " };
        let says = format!("is process {pid}, connected to {by}{}", endpoints.join(", "));
        self.tell.now(Who::Worker(worker)).says(says);
        Ok(())
    }

    pub(super) fn contend(&mut self, worker: usize) -> Outcome {
        self.cast.worker(worker).ask(json!({"do": "lock", "key": NAME, "ttl_ms": TTL.as_millis() as u64}))
    }

    pub(super) fn holds(&mut self, worker: usize, acquired: &Event, says: &str) {
        let token = number(acquired, "token");
        self.tokens.push(token);
        self.tell.at(time(acquired), Who::Worker(worker)).token(token).says(says);
    }

    /// The worker waits as the second of two: as etcd has it.
    pub(super) async fn waits(&mut self, worker: usize, holder: usize) -> Outcome {
        self.cast.worker(worker).says("waiting").await?;
        let [first, mine] = self.until_queued(2).await?.try_into().map_err(|_| "a stranger is in the queue")?;
        let says = format!("waits as {}", self.short(&mine.key));
        self.tell.now(Who::Worker(worker)).revision(mine.revision).says(says);
        let before = format!("has {} of worker {holder} before it: the one key it watches", self.short(&first.key));
        self.tell.now(Who::Etcd).revision(first.revision).says(before);
        Ok(())
    }

    pub(super) async fn still_holds(&mut self, worker: usize) -> Outcome {
        self.cast.worker(worker).ask(json!({"do": "is_held"}))?;
        let answer = self.cast.worker(worker).says("held").await?;
        let held = answer.body["held"].as_bool().unwrap_or_default();
        let says = if held { "still holds it, longer than its TTL: it lives" } else { "holds it no longer" };
        self.tell.at(time(&answer), Who::Worker(worker)).says(says);
        if held { Ok(()) } else { Err(format!("worker {worker} lost its lock in fair weather")) }
    }

    /// The key of the holder.
    pub(super) async fn own_place(&self) -> Result<Contender, String> {
        Ok(self.until_queued(1).await?.swap_remove(0))
    }

    /// The queue, once it has so many members.
    pub(super) async fn until_queued(&self, members: usize) -> Result<Vec<Contender>, String> {
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
