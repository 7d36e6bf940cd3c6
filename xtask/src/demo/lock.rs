//! The first act, a lock. The first to hold it is killed, the last but one is cut off, the last has it then; who comes in
//! between gives it on.

use std::time::Duration;

use tokio::time::sleep;

use super::cast::Cast;
use super::contest::LOCK;
use super::scene::{Scene, TTL};
use super::stage::Stage;
use super::tell::Teller;
use super::verdict::Verdict;
use crate::Outcome;

/// Longer than the TTL: who lives, keeps it.
const HOLD: Duration = Duration::from_secs(3);

/// Plays it; an error when it could not go on.
pub(super) async fn play(stage: &Stage, cast: &mut Cast, missing: &str, tell: &Teller) -> Result<Verdict, String> {
    let told = format!("{}, with a TTL of {} s", stage.key(&LOCK), TTL.as_secs());
    let each = format!("{}: an OS process each, which uses the library as any program does", cast.names().join(", "));
    let mut facts = vec![
        ("etcd", stage.etcd.as_str()),
        ("lock", &told),
        ("workers", &each),
        ("time", "seconds on CLOCK_BOOTTIME, which all processes share; each event is stamped where it happens"),
    ];
    if !missing.is_empty() {
        facts.insert(3, ("missing", missing));
    }
    tell.title("First act: the story of a lock", &facts);
    let last = cast.names().len() - 1;
    let cut = last - 1;
    let mut scene = Scene::open(stage, cast, tell, &LOCK).await?;
    all_contend(&mut scene, cut, last).await?;

    tell.scene("2. The holder dies without a word");
    scene.dies(0, 1).await?.tell();

    tell.scene("3. It goes round in the order of arrival, and stays with who lives");
    for worker in 1..cut {
        scene.writes(worker).await?;
        scene.gives_on(worker, worker + 1).await?.tell();
    }
    scene.writes(cut).await?;
    keeps_it(&mut scene, cut).await?;

    tell.scene(&format!("4. {} is cut off from etcd and does not know it", scene.name(cut)));
    scene.is_cut_off(cut, last).await?.tell();
    scene.writes(last).await?;
    scene.comes_back(cut).await?;
    scene.ends().await?;
    Ok(scene.verdict)
}

async fn all_contend(scene: &mut Scene<'_>, cut: usize, last: usize) -> Outcome {
    scene.tell.scene("1. All want the same lock, one after the other");
    scene.start_all(cut).await?;
    scene.takes(0).await?.tell();
    for worker in 1..=last {
        scene.waits(worker).await?;
    }
    keeps_it(scene, 0).await
}

async fn keeps_it(scene: &mut Scene<'_>, worker: usize) -> Outcome {
    sleep(HOLD).await;
    let (held, at) = scene.has_it(worker).await?;
    let says = if held { "still holds it, longer than its TTL: it lives" } else { LOCK.words.has_it_no_more };
    scene.at(at, worker).says(says);
    if held { Ok(()) } else { Err(format!("{} lost its lock in fair weather", scene.name(worker))) }
}
