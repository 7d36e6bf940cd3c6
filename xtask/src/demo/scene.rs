//! What the acts are made of: a worker starts, contends, waits, has what it wanted, writes, gives it on.

use std::time::Duration;

use gocore_etcd_tests::clock::boottime;
use gocore_etcd_tests::process::Event;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::cast::{Cast, number, time};
use super::contest::Contest;
use super::stage::{Contender, Deletions, Stage};
use super::tell::{Line, Teller, Told, Who, millis};
use super::verdict::Verdict;
use crate::Outcome;

/// The shortest that etcd grants with its own timing, so that the story is short.
pub(super) const TTL: Duration = Duration::from_secs(2);

/// An act so far.
pub(super) struct Scene<'a> {
    pub(super) stage: &'a Stage,
    pub(super) cast: &'a mut Cast,
    pub(super) tell: &'a Teller,
    pub(super) contest: &'static Contest,
    /// The contest's full key, without the contender's part.
    pub(super) key: String,
    /// What the winners write.
    pub(super) result: String,
    pub(super) deletions: Deletions,
    /// Who came, in that order, with the revision that etcd gave its key.
    pub(super) arrivals: Vec<(usize, i64)>,
    /// Who won, as they said.
    pub(super) turns: Vec<Turn>,
    pub(super) verdict: Verdict,
}

/// When a worker won.
pub(super) struct Turn {
    pub(super) worker: usize,
    pub(super) token: i64,
    pub(super) since: Duration,
}

impl<'a> Scene<'a> {
    /// Nobody is there yet.
    pub(super) async fn open(
        stage: &'a Stage,
        cast: &'a mut Cast,
        tell: &'a Teller,
        contest: &'static Contest,
    ) -> Result<Scene<'a>, String> {
        let key = stage.key(contest);
        let deletions = stage.deletions(&key).await?;
        let result = format!("{}/{}", stage.prefix, contest.result);
        let (arrivals, turns, verdict) = (Vec::new(), Vec::new(), Verdict::default());
        Ok(Scene { stage, cast, tell, contest, key, result, deletions, arrivals, turns, verdict })
    }

    /// What a worker is called.
    pub(super) fn name(&self, worker: usize) -> &'a str {
        self.tell.name(worker)
    }

    /// A line about what the worker did then.
    pub(super) fn at(&self, at: Duration, worker: usize) -> Line<'a> {
        self.tell.at(at, Who::Worker(worker))
    }

    /// Starts all, one of them behind the proxy.
    pub(super) async fn start_all(&mut self, proxied: usize) -> Outcome {
        let proxy = [self.stage.proxy.endpoint()];
        for worker in 0..self.cast.names().len() {
            self.start(worker, if worker == proxied { &proxy } else { &self.stage.endpoints }).await?;
        }
        Ok(())
    }

    async fn start(&mut self, worker: usize, endpoints: &[String]) -> Outcome {
        let process = self.cast.start(&self.stage.prefix, endpoints);
        let pid = process.pid();
        process.says("connected").await?;
        let by = if endpoints == self.stage.endpoints { "" } else { "the proxy on " };
        let says = format!("is process {pid}, connected to {by}{}", endpoints.join(", "));
        self.tell.now(Who::Worker(worker)).says(says);
        Ok(())
    }

    /// The first to come has it at once.
    pub(super) async fn takes(&mut self, worker: usize) -> Result<Told, String> {
        self.contend(worker)?;
        let won = self.cast.worker(worker).says(self.contest.agent.won).await?;
        let own = self.owner().await?;
        self.arrivals.push((worker, own.revision));
        let says = format!("{}; its key is {}", self.contest.words.has_it, self.short(&own.key));
        Ok(self.wins(worker, &won, &says))
    }

    /// The worker comes and waits as the last of those that are there: as etcd has it.
    pub(super) async fn waits(&mut self, worker: usize) -> Outcome {
        self.contend(worker)?;
        self.cast.worker(worker).says(self.contest.agent.contends).await?;
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
        let Contest { key, agent, .. } = self.contest;
        let mut command = json!({"do": agent.contend, "key": key, "ttl_ms": TTL.as_millis() as u64});
        if self.contest.identified {
            command["identity"] = Value::String(self.identity(worker));
        }
        self.cast.worker(worker).ask(command)
    }

    /// By which observers know it.
    pub(super) fn identity(&mut self, worker: usize) -> String {
        format!("{}, process {}", self.name(worker), self.cast.worker(worker).pid())
    }

    /// What the worker said that it won.
    pub(super) fn wins(&mut self, worker: usize, won: &Event, says: &str) -> Told {
        let (token, since) = (number(won, "token"), time(won));
        self.turns.push(Turn { worker, token, since });
        self.at(since, worker).token(token).reads(says)
    }

    /// Whether the worker has it, by its own word.
    pub(super) async fn has_it(&mut self, worker: usize) -> Result<(bool, Duration), String> {
        let Contest { agent, .. } = self.contest;
        self.cast.worker(worker).ask(json!({"do": agent.ask}))?;
        let answer = self.cast.worker(worker).says(agent.answer).await?;
        Ok((answer.body[agent.answer].as_bool().unwrap_or_default(), time(&answer)))
    }

    pub(super) async fn writes(&mut self, worker: usize) -> Outcome {
        let value = format!("by {}", self.name(worker));
        let write = self.put(&value);
        self.cast.worker(worker).ask(write)?;
        let written = self.cast.worker(worker).says("written").await?;
        let says = format!("writes {} = \"{value}\", guarded by {}", self.result, self.contest.words.its);
        self.at(written.at, worker).revision(number(&written, "revision")).says(says);
        Ok(())
    }

    /// The command to write it, under guard.
    pub(super) fn put(&self, value: &str) -> Value {
        json!({"do": self.contest.agent.write, "key": self.result, "value": value})
    }

    /// The worker gives it back, and the next has it.
    pub(super) async fn gives_on(&mut self, worker: usize, next: usize) -> Result<Told, String> {
        let released = boottime();
        self.gives_back(worker)?.tell();
        let Contest { agent, words, .. } = self.contest;
        let won = self.cast.worker(next).says(agent.won).await?;
        let after = millis(time(&won).saturating_sub(released));
        let told = self.wins(next, &won, &format!("{}, {after:.1} ms after that", words.has_it));
        self.cast.worker(worker).says(agent.given_back).await?;
        Ok(told)
    }

    /// Tells the worker to.
    pub(super) fn gives_back(&mut self, worker: usize) -> Result<Told, String> {
        let Contest { agent, words, .. } = self.contest;
        let told = self.tell.now(Who::Worker(worker)).reads(words.gives_it_back);
        self.cast.worker(worker).ask(json!({"do": agent.give_back}))?;
        Ok(told)
    }

    /// The key of who has it.
    pub(super) async fn owner(&self) -> Result<Contender, String> {
        Ok(self.until_queued(1).await?.swap_remove(0))
    }

    /// The queue, once it has so many members.
    async fn until_queued(&self, members: usize) -> Result<Vec<Contender>, String> {
        let end = boottime() + Duration::from_secs(20);
        loop {
            let queue = self.stage.queue(&self.key).await?;
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
        format!("…{}", key.strip_prefix(&self.key).unwrap_or(key))
    }

    /// All leave; what each still had to say, and what was seen of the promises that hold for the whole act.
    pub(super) async fn ends(&mut self) -> Result<Vec<Vec<Event>>, String> {
        self.turns.sort_by_key(|turn| turn.since);
        let turns: Vec<_> = self.turns.iter().map(|Turn { worker, token, .. }| (*worker, *token)).collect();
        let names: Vec<_> = turns.iter().map(|(worker, _)| self.name(*worker)).collect();
        let promises = &self.contest.promises;
        // A winner's token is the revision that its key was given at its arrival.
        self.verdict.add(promises.order, turns == self.arrivals, names.join(", then "));
        let rising = turns.is_sorted_by(|(_, earlier), (_, later)| earlier < later);
        let tokens: Vec<_> = turns.iter().map(|(_, token)| token.to_string()).collect();
        self.verdict.add(promises.tokens, rising, tokens.join(" < "));

        let last_words = self.cast.leave().await?;
        self.stage.delete(&self.result).await?;
        let left = self.stage.left().await?;
        let seen = if left.is_empty() { "no key, no lease".to_owned() } else { left.join(", ") };
        self.verdict.add("all have left, and left nothing in etcd", left.is_empty(), seen);
        Ok(last_words)
    }
}
