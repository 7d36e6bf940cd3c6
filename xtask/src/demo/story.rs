//! What happens, act by act. The first to hold the lock is killed, the last but one is cut off, the last has it then; who
//! comes in between gives it on.

use std::time::Duration;

use gocore_etcd_tests::clock::boottime;
use serde_json::json;
use tokio::time::sleep;

use super::cast::{Cast, text, time};
use super::scene::{NAME, Story, TTL, Turn};
use super::stage::Stage;
use super::tell::{Teller, Who};
use super::verdict::Verdict;
use crate::Outcome;

/// Longer than the TTL: who lives, keeps it.
const HOLD: Duration = Duration::from_secs(3);
/// etcd looks for leases that ran out twice a second, and revoking one takes a proposal. The rest is for busy machines.
const EXPIRY: Duration = Duration::from_secs(2);

/// Tells it; an error when it could not go on, or when a promise did not hold.
pub(super) async fn tell(stage: &Stage, cast: &mut Cast, missing: &str, tell: &Teller) -> Outcome {
    let (lock, workers) = (format!("{}/locks/{NAME}", stage.prefix), cast.names());
    let told = format!("{lock}, with a TTL of {} s", TTL.as_secs());
    let each = format!("{}: an OS process each, which uses the library as any program does", workers.join(", "));
    let mut facts = vec![
        ("etcd", stage.etcd.as_str()),
        ("lock", &told),
        ("workers", &each),
        ("time", "seconds on CLOCK_BOOTTIME, which all processes share; each event is stamped where it happens"),
    ];
    if !missing.is_empty() {
        facts.insert(3, ("missing", missing));
    }
    tell.title("The story of a lock", &facts);
    let result = format!("{}/result", stage.prefix);
    let deletions = stage.deletions(&lock).await?;
    let (arrivals, turns, verdict) = (Vec::new(), Vec::new(), Verdict::default());
    let mut story = Story { stage, cast, tell, lock, result, deletions, arrivals, turns, verdict };
    let (cut, last) = (workers.len() - 2, workers.len() - 1);
    story.all_contend(cut, last).await?;
    story.the_holder_is_killed().await?;
    story.it_goes_round(cut).await?;
    story.one_is_cut_off(cut, last).await?;
    story.end()
}

impl Story<'_> {
    async fn all_contend(&mut self, cut: usize, last: usize) -> Outcome {
        self.tell.act("1. All want the same lock, one after the other");
        for worker in 0..=last {
            let proxy = [self.stage.proxy.endpoint()];
            let endpoints = if worker == cut { &proxy[..] } else { &self.stage.endpoints };
            self.start(worker, endpoints).await?;
        }
        self.takes(0).await?;
        for worker in 1..=last {
            self.waits(worker).await?;
        }
        sleep(HOLD).await;
        self.still_holds(0).await
    }

    async fn the_holder_is_killed(&mut self) -> Outcome {
        self.tell.act("2. The holder dies without a word");
        let holder = self.owner().await?;
        let granted = self.stage.granted(holder.lease).await?;
        let killed = boottime();
        self.cast.worker(0).kill();
        self.tell.at(killed, Who::Worker(0)).says("killed by SIGKILL");
        let gone = self.deletions.of(&holder.key).await?;
        let expired = format!("its lease of {} s has run out: {} is gone", granted.as_secs(), self.short(&holder.key));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let acquired = self.cast.worker(1).says("acquired").await?;
        let took = time(&acquired).saturating_sub(killed);
        self.holds(1, &acquired, &format!("holds the lock, {:.2} s after the kill", took.as_secs_f64()));
        let seen = format!("after {:.2} s, with a granted TTL of {} s", took.as_secs_f64(), granted.as_secs());
        self.verdict.add("a dead holder's lock is free after its TTL", took <= granted + EXPIRY, seen);
        Ok(())
    }

    /// From the second to the one that will be cut off.
    async fn it_goes_round(&mut self, cut: usize) -> Outcome {
        self.tell.act("3. It goes round in the order of arrival, and stays with who lives");
        for worker in 1..cut {
            self.writes(worker).await?;
            self.gives_on(worker, worker + 1).await?;
        }
        self.writes(cut).await?;
        sleep(HOLD).await;
        self.still_holds(cut).await
    }

    async fn gives_on(&mut self, worker: usize, next: usize) -> Outcome {
        let released = boottime();
        self.cast.worker(worker).ask(json!({"do": "unlock"}))?;
        self.tell.at(released, Who::Worker(worker)).says("unlocks");
        let acquired = self.cast.worker(next).says("acquired").await?;
        let took = time(&acquired).saturating_sub(released);
        self.holds(next, &acquired, &format!("holds the lock, {:.1} ms after the unlock", millis(took)));
        self.cast.worker(worker).says("unlocked").await.map(drop)
    }

    async fn one_is_cut_off(&mut self, cut: usize, next: usize) -> Outcome {
        let name = self.name(cut).to_owned();
        self.tell.act(&format!("4. {name} is cut off from etcd and does not know it"));
        let holder = self.owner().await?;
        self.stage.proxy.black_hole();
        let swallows = format!("swallows every packet between {name} and etcd; no connection breaks");
        self.tell.now(Who::Network).says(swallows);
        let lost = time(&self.cast.worker(cut).says("lost").await?);
        self.tell.at(lost, Who::Worker(cut)).says("knows that its lock is lost, by its own clock");
        let gone = self.deletions.of(&holder.key).await?;
        let expired =
            format!("its lease has run out: {} is gone, {} after that", self.short(&holder.key), ahead(lost, gone.at));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let acquired = self.cast.worker(next).says("acquired").await?;
        let (first, then) = (ahead(lost, gone.at), ahead(lost, time(&acquired)));
        self.holds(next, &acquired, &format!("holds the lock, {then} after {name} knew"));
        let seen = format!("{first} before etcd gave it away, {then} before the next held it");
        let in_time = lost < gone.at.min(time(&acquired));
        self.verdict.add("a lock is lost here before the next has it", in_time, seen);
        self.writes(next).await?;

        self.stage.proxy.pass();
        self.tell.now(Who::Network).says("lets everything through again");
        self.is_refused(cut).await
    }

    /// A worker that believed too long: etcd itself refuses what it writes.
    async fn is_refused(&mut self, worker: usize) -> Outcome {
        let before = self.stage.read(&self.result).await?;
        let value = format!("by {}, too late", self.name(worker));
        let token = self.turns.iter().find(|turn| turn.worker == worker).map_or(0, |turn| turn.token);
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

    fn end(mut self) -> Outcome {
        self.turns.sort_by_key(|turn| turn.since);
        let turns: Vec<_> = self.turns.iter().map(|Turn { worker, token, .. }| (*worker, *token)).collect();
        let names: Vec<_> = turns.iter().map(|(worker, _)| self.name(*worker)).collect();
        let names = names.join(", then ");
        // A holder's token is the revision that its key was given at its arrival.
        self.verdict.add("turns come in the order of arrival", turns == self.arrivals, names);
        let rising = turns.is_sorted_by(|(_, earlier), (_, later)| earlier < later);
        let tokens: Vec<_> = turns.iter().map(|(_, token)| token.to_string()).collect();
        self.verdict.add("each holder's fencing token is higher", rising, tokens.join(" < "));
        self.verdict.tell(self.tell)
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
