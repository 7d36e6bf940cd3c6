//! What happens, act by act.

use std::time::Duration;

use gocore_etcd_tests::clock::boottime;
use serde_json::json;
use tokio::time::sleep;

use super::cast::{Cast, number, text, time};
use super::scene::{NAME, Story, TTL};
use super::stage::Stage;
use super::tell::{Teller, Who};
use super::verdict::Verdict;
use crate::Outcome;

/// Longer than the TTL: who lives, keeps it.
const HOLD: Duration = Duration::from_secs(3);
/// etcd looks for leases that ran out twice a second, and revoking one takes a proposal. The rest is for busy machines.
const EXPIRY: Duration = Duration::from_secs(2);

/// Tells it; an error when it could not go on, or when a promise did not hold.
pub(super) async fn tell(stage: &Stage, cast: &mut Cast, tell: &Teller) -> Outcome {
    let lock = format!("{}/locks/{NAME}", stage.prefix);
    let told = format!("{lock}, with a TTL of {} s", TTL.as_secs());
    let facts = [
        ("etcd", stage.etcd.as_str()),
        ("lock", &told),
        ("workers", "three OS processes that use the library as any program does"),
        ("time", "seconds on CLOCK_BOOTTIME, which all processes share; each event is stamped where it happens"),
    ];
    tell.title("The story of a lock", &facts);
    let result = format!("{}/result", stage.prefix);
    let deletions = stage.deletions(&lock).await?;
    let mut story =
        Story { stage, cast, tell, lock, result, deletions, tokens: Vec::new(), verdict: Verdict::default() };
    story.two_contend().await?;
    story.the_holder_is_killed().await?;
    story.a_third_takes_over().await?;
    story.the_third_is_cut_off().await?;
    story.end()
}

impl Story<'_> {
    async fn two_contend(&mut self) -> Outcome {
        self.tell.act("1. Two workers want the same lock");
        self.start(1, &self.stage.endpoints).await?;
        self.start(2, &self.stage.endpoints).await?;
        self.contend(1)?;
        let acquired = self.cast.worker(1).says("acquired").await?;
        let holder = self.own_place().await?;
        self.holds(1, &acquired, &format!("holds the lock as {}", self.short(&holder.key)));
        self.contend(2)?;
        self.waits(2, 1).await?;
        sleep(HOLD).await;
        self.still_holds(1).await
    }

    async fn the_holder_is_killed(&mut self) -> Outcome {
        self.tell.act("2. The holder dies without a word");
        let holder = self.own_place().await?;
        let granted = self.stage.granted(holder.lease).await?;
        let killed = boottime();
        self.cast.worker(1).kill();
        self.tell.at(killed, Who::Worker(1)).says("killed by SIGKILL");
        let gone = self.deletions.of(&holder.key).await?;
        let expired = format!("its lease of {} s has run out: {} is gone", granted.as_secs(), self.short(&holder.key));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let acquired = self.cast.worker(2).says("acquired").await?;
        let took = time(&acquired).saturating_sub(killed);
        self.holds(2, &acquired, &format!("holds the lock, {:.2} s after the kill", took.as_secs_f64()));
        let seen = format!("after {:.2} s, with a granted TTL of {} s", took.as_secs_f64(), granted.as_secs());
        self.verdict.add("a dead holder's lock is free after its TTL", took <= granted + EXPIRY, seen);
        Ok(())
    }

    async fn a_third_takes_over(&mut self) -> Outcome {
        self.tell.act("3. A third takes over in the order of arrival");
        self.start(3, &[self.stage.proxy.endpoint()]).await?;
        self.contend(3)?;
        self.waits(3, 2).await?;
        let released = boottime();
        self.cast.worker(2).ask(json!({"do": "unlock"}))?;
        self.tell.at(released, Who::Worker(2)).says("unlocks");
        let acquired = self.cast.worker(3).says("acquired").await?;
        let took = time(&acquired).saturating_sub(released);
        self.holds(3, &acquired, &format!("holds the lock, {:.1} ms after the unlock", millis(took)));
        self.cast.worker(2).says("unlocked").await?;
        self.contend(2)?;
        self.waits(2, 3).await?;
        self.writes(3).await?;
        sleep(HOLD).await;
        self.still_holds(3).await
    }

    async fn the_third_is_cut_off(&mut self) -> Outcome {
        self.tell.act("4. The third is cut off from etcd and does not know it");
        let holder = self.own_place().await?;
        self.stage.proxy.black_hole();
        self.tell.now(Who::Network).says("swallows every packet between worker 3 and etcd; no connection breaks");
        let lost = time(&self.cast.worker(3).says("lost").await?);
        self.tell.at(lost, Who::Worker(3)).says("knows that its lock is lost, by its own clock");
        let gone = self.deletions.of(&holder.key).await?;
        let expired =
            format!("its lease has run out: {} is gone, {} after that", self.short(&holder.key), ahead(lost, gone.at));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let acquired = self.cast.worker(2).says("acquired").await?;
        let next = time(&acquired);
        let (first, then) = (ahead(lost, gone.at), ahead(lost, next));
        self.holds(2, &acquired, &format!("holds the lock again, {then} after worker 3 knew"));
        let seen = format!("{first} before etcd gave it away, {then} before the next held it");
        self.verdict.add("a lock is lost here before the next has it", lost < gone.at.min(next), seen);
        self.writes(2).await?;

        self.stage.proxy.pass();
        self.tell.now(Who::Network).says("lets everything through again");
        self.is_refused(3).await
    }

    fn end(mut self) -> Outcome {
        let rising = self.tokens.is_sorted_by(|earlier, later| earlier < later);
        let tokens: Vec<_> = self.tokens.iter().map(i64::to_string).collect();
        self.verdict.add("each holder's fencing token is higher", rising, tokens.join(" < "));
        self.verdict.tell(self.tell)
    }

    async fn writes(&mut self, worker: usize) -> Outcome {
        let value = format!("by worker {worker}");
        self.cast.worker(worker).ask(json!({"do": "put", "key": self.result, "value": value}))?;
        let written = self.cast.worker(worker).says("written").await?;
        let says = format!("writes {} = \"{value}\", guarded by its lock", self.result);
        self.tell.at(written.at, Who::Worker(worker)).revision(number(&written, "revision")).says(says);
        Ok(())
    }

    /// A worker that believed too long: etcd itself refuses what it writes.
    async fn is_refused(&mut self, worker: usize) -> Outcome {
        let before = self.stage.read(&self.result).await?;
        let value = format!("by worker {worker}, too late");
        let token = self.tokens.iter().rev().nth(1).copied().unwrap_or_default();
        self.cast.worker(worker).ask(json!({"do": "put", "key": self.result, "value": value}))?;
        let answer = self.cast.worker(worker).outcome_of_write().await?;
        let (kind, refused) = (text(&answer, "kind"), answer.name() == "failed");
        let outcome = if refused { format!("is refused: {kind}") } else { "goes through".to_owned() };
        let says = format!("tries to write under its old token; it {outcome}");
        self.tell.at(answer.at, Who::Worker(worker)).token(token).says(says);
        let after = self.stage.read(&self.result).await?;
        let (value, revision) = &after;
        self.tell.now(Who::Etcd).revision(*revision).says(format!("still has {} = \"{value}\"", self.result));
        let seen = format!("{kind}; the value is still \"{value}\"");
        self.verdict.add("a write under an old token is refused", refused && kind == "Lost" && before == after, seen);
        Ok(())
    }
}

/// How much earlier the first is, with its sign.
fn ahead(first: Duration, second: Duration) -> String {
    match second.checked_sub(first) {
        Some(ahead) => format!("{:.0} ms", millis(ahead)),
        None => format!("-{:.0} ms", millis(first - second)),
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
