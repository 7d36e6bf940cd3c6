//! What happens to workers who have what they wanted: one is killed, one is cut off and comes back too late.

use std::time::Duration;

use gocore_etcd_tests::clock::boottime;

use super::cast::{text, time};
use super::scene::Scene;
use super::tell::{Told, Who, millis};
use crate::Outcome;

/// etcd looks for leases that ran out twice a second, and revoking one takes a proposal. The rest is for busy machines.
const EXPIRY: Duration = Duration::from_secs(2);

impl Scene<'_> {
    /// The worker dies without a word, and the next has it.
    pub(super) async fn dies(&mut self, worker: usize, next: usize) -> Result<Told, String> {
        let owner = self.owner().await?;
        let granted = self.stage.granted(owner.lease).await?;
        let killed = boottime();
        self.cast.worker(worker).kill();
        self.at(killed, worker).says("killed by SIGKILL");
        let gone = self.deletions.of(&owner.key).await?;
        let expired = format!("its lease of {} s has run out: {} is gone", granted.as_secs(), self.short(&owner.key));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let won = self.cast.worker(next).says(self.contest.agent.won).await?;
        let took = time(&won).saturating_sub(killed);
        let seen = format!("after {:.2} s, with a granted TTL of {} s", took.as_secs_f64(), granted.as_secs());
        self.verdict.add(self.contest.promises.expiry, took <= granted + EXPIRY, seen);
        let says = format!("{}, {:.2} s after the kill", self.contest.words.has_it, took.as_secs_f64());
        Ok(self.wins(next, &won, &says))
    }

    /// The worker, whose way to etcd is the proxy, is cut off, and the next has it.
    pub(super) async fn is_cut_off(&mut self, worker: usize, next: usize) -> Result<Told, String> {
        let (name, words) = (self.name(worker), &self.contest.words);
        let owner = self.owner().await?;
        self.stage.proxy.black_hole();
        let swallows = format!("swallows every packet between {name} and etcd; no connection breaks");
        self.tell.now(Who::Network).says(swallows);
        let lost = time(&self.cast.worker(worker).says("lost").await?);
        self.at(lost, worker).says(format!("knows that {} is lost, by its own clock", words.its));
        let (believes, asked) = self.has_it(worker).await?;
        let believed = if believes { words.has_it } else { words.has_it_no_more };
        self.at(asked, worker).says(format!("asked by its program, it {believed}"));
        let gone = self.deletions.of(&owner.key).await?;
        let expired =
            format!("its lease has run out: {} is gone, {} after that", self.short(&owner.key), ahead(lost, gone.at));
        self.tell.at(gone.at, Who::Etcd).revision(gone.revision).says(expired);
        let won = self.cast.worker(next).says(self.contest.agent.won).await?;
        let (first, then) = (ahead(lost, gone.at), ahead(lost, time(&won)));
        let still = if believes { "; but it says that it still has it" } else { "" };
        let seen = format!("{first} before etcd gave it away, {then} before the next had it{still}");
        let in_time = lost < gone.at.min(time(&won)) && !believes;
        self.verdict.add(self.contest.promises.loss, in_time, seen);
        Ok(self.wins(next, &won, &format!("{}, {then} after {name} knew", words.has_it)))
    }

    /// The network is whole again. A worker that believed too long: etcd itself refuses what it writes.
    pub(super) async fn comes_back(&mut self, worker: usize) -> Outcome {
        self.stage.proxy.pass();
        self.tell.now(Who::Network).says("lets everything through again");
        let before = self.stage.read(&self.result).await?;
        let token = self.turns.iter().find(|turn| turn.worker == worker).map_or(0, |turn| turn.token);
        let write = self.put(&format!("by {}, too late", self.name(worker)));
        self.cast.worker(worker).ask(write)?;
        let answer = self.cast.worker(worker).outcome_of_write().await?;
        let (kind, refused) = (text(&answer, "kind"), answer.name() == "failed");
        let outcome = if refused { format!("is refused: {kind}") } else { "goes through".to_owned() };
        let says = format!("tries to write under its old token; it {outcome}");
        self.at(answer.at, worker).token(token).says(says);
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
