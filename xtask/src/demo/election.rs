//! The second act, an election. The first leader is killed, the second resigns, the third is cut off, the fourth says
//! something new of itself and resigns. Somebody who is no candidate watches all of it.

use gocore_etcd_tests::clock::boottime;
use gocore_etcd_tests::process::Event;
use serde_json::json;

use super::cast::{Cast, number, time};
use super::contest::ELECTION;
use super::scene::{Scene, TTL};
use super::stage::Stage;
use super::tell::{Teller, Told, in_order};
use super::verdict::Verdict;
use crate::Outcome;

const KILLED: usize = 0;
const RESIGNS: usize = 1;
const CUT: usize = 2;
const LAST: usize = 3;
const OBSERVER: usize = 4;

/// The event that shows an agent's observation.
const OBSERVED: &str = "observed";

/// Identity and token; none while there is no leader.
type Leader = Option<(String, i64)>;

/// Plays it; an error when it could not go on.
pub(super) async fn play(stage: &Stage, cast: &mut Cast, tell: &Teller) -> Result<Verdict, String> {
    let names = cast.names();
    let told = format!("{}, with a TTL of {} s", stage.key(&ELECTION), TTL.as_secs());
    let (candidates, observer) = (names[..OBSERVER].join(", "), format!("{}, who is no candidate", names[OBSERVER]));
    let facts = [("election", told.as_str()), ("candidates", &candidates), ("observer", &observer)];
    tell.title("Second act: the story of an election", &facts);
    let scene = Scene::open(stage, cast, tell, &ELECTION).await?;
    let mut election = Election { scene, leaders: Vec::new(), seen: Vec::new() };
    election.all_campaign().await?;
    election.leaders_come_and_go().await?;
    election.one_proclaims_and_resigns().await?;
    election.ends().await
}

struct Election<'a> {
    scene: Scene<'a>,
    /// As they were.
    leaders: Vec<Leader>,
    /// As the observer was shown them.
    seen: Vec<Leader>,
}

impl Election<'_> {
    async fn all_campaign(&mut self) -> Outcome {
        self.scene.tell.scene("1. One observes, and all others campaign, one after the other");
        self.scene.start_all(CUT).await?;
        self.scene.cast.worker(OBSERVER).ask(json!({"do": "observe", "key": ELECTION.key}))?;
        self.leaders.push(None);
        self.next_seen().await?.tell();
        let leads = self.scene.takes(KILLED).await?;
        self.is_seen(KILLED, leads).await?;
        for candidate in [RESIGNS, CUT, LAST] {
            self.scene.waits(candidate).await?;
        }
        Ok(())
    }

    async fn leaders_come_and_go(&mut self) -> Outcome {
        let (tell, cut) = (self.scene.tell, self.scene.name(CUT));
        tell.scene("2. The leader dies without a word");
        let leads = self.scene.dies(KILLED, RESIGNS).await?;
        self.is_seen(RESIGNS, leads).await?;

        tell.scene("3. The leader resigns");
        self.scene.writes(RESIGNS).await?;
        let leads = self.scene.gives_on(RESIGNS, CUT).await?;
        self.is_seen(CUT, leads).await?;

        tell.scene(&format!("4. {cut} is cut off from etcd and does not know it"));
        let leads = self.scene.is_cut_off(CUT, LAST).await?;
        self.is_seen(LAST, leads).await?;
        self.scene.writes(LAST).await?;
        self.scene.comes_back(CUT).await
    }

    async fn one_proclaims_and_resigns(&mut self) -> Outcome {
        self.scene.tell.scene("5. The last leader says something new of itself, then resigns");
        let identity = format!("{}, ready for work", self.scene.identity(LAST));
        let proclaims = self.scene.at(boottime(), LAST).reads(format!("proclaims \"{identity}\""));
        self.scene.cast.worker(LAST).ask(json!({"do": "proclaim", "identity": identity}))?;
        self.scene.cast.worker(LAST).says("proclaimed").await?;
        let leader = Some((identity, self.token()));
        self.observer_sees(leader.clone(), proclaims).await?;
        let (leads, _) = self.scene.has_it(LAST).await?;
        let kept = leads && self.seen.last() == Some(&leader);
        let seen = shown(&self.seen[self.seen.len() - 1..]);
        self.scene.verdict.add("a proclamation is seen, and the token stays", kept, seen);

        let resigns = self.scene.gives_back(LAST)?;
        self.scene.cast.worker(LAST).says(ELECTION.agent.given_back).await?;
        self.observer_sees(None, resigns).await
    }

    /// The candidate leads now, as its line tells.
    async fn is_seen(&mut self, candidate: usize, leads: Told) -> Outcome {
        let leader = (self.scene.identity(candidate), self.token());
        self.observer_sees(Some(leader), leads).await
    }

    /// The token of the last to lead.
    fn token(&self) -> i64 {
        self.scene.turns.last().map_or(0, |turn| turn.token)
    }

    /// What the observer sees of a change, told with it.
    async fn observer_sees(&mut self, leader: Leader, change: Told) -> Outcome {
        self.leaders.push(leader);
        let sees = self.next_seen().await?;
        in_order([change, sees]);
        Ok(())
    }

    async fn next_seen(&mut self) -> Result<Told, String> {
        let event = self.scene.cast.worker(OBSERVER).says(OBSERVED).await?;
        let line = self.scene.at(time(&event), OBSERVER);
        let leader = leader(&event);
        let told = match &leader {
            Some((identity, token)) => {
                let line = line.token(*token).revision(number(&event, "revision"));
                line.reads(format!("observes: \"{identity}\" leads"))
            }
            None => line.reads("observes: no leader"),
        };
        self.seen.push(leader);
        Ok(told)
    }

    async fn ends(mut self) -> Result<Verdict, String> {
        let last_words = self.scene.ends().await?;
        self.seen.extend(last_words[OBSERVER].iter().filter(|event| event.name() == OBSERVED).map(leader));
        let tokens = |(_, token): &(String, i64)| token.to_string();
        let held = self.seen == self.leaders;
        let seen = if held {
            let tokens = self.seen.iter().map(|leader| leader.as_ref().map_or("none".to_owned(), tokens));
            tokens.collect::<Vec<_>>().join(", ")
        } else {
            format!("{}; they were {}", shown(&self.seen), shown(&self.leaders))
        };
        self.scene.verdict.add("the observer sees each leader, and when none is", held, seen);
        Ok(self.scene.verdict)
    }
}

/// Whom an event shows.
fn leader(event: &Event) -> Leader {
    event.body["identity"].as_str().map(|identity| (identity.to_owned(), number(event, "token")))
}

fn shown(leaders: &[Leader]) -> String {
    let shown = |(identity, token): &(String, i64)| format!("{token} \"{identity}\"");
    leaders.iter().map(|leader| leader.as_ref().map_or("none".to_owned(), shown)).collect::<Vec<_>>().join(", ")
}
