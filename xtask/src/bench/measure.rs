//! Rounds in turns: each side works a tenth of a second, then the next does, again and again.

use std::pin::Pin;
use std::time::{Duration, Instant};

/// Short against the noise of a machine, long against an operation.
const ROUND: Duration = Duration::from_millis(100);

/// How long each operation of a round took.
pub(super) type Round = Result<Vec<Duration>, String>;

/// One side of a comparison.
pub(super) trait Work {
    /// Works until then.
    fn round(&mut self, until: Instant) -> Pin<Box<dyn Future<Output = Round> + '_>>;
}

impl<F: AsyncFnMut(Instant) -> Round> Work for F {
    fn round(&mut self, until: Instant) -> Pin<Box<dyn Future<Output = Round> + '_>> {
        Box::pin(self(until))
    }
}

/// Everything one side did.
pub(super) struct Samples {
    /// Sorted.
    latencies: Vec<Duration>,
    /// While it was its turn.
    time: Duration,
}

impl Samples {
    /// That share of all took at most this long.
    pub(super) fn quantile(&self, share: f64) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
    }

    pub(super) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(super) fn count(&self) -> usize {
        self.latencies.len()
    }

    pub(super) fn per_second(&self) -> f64 {
        self.count() as f64 / self.time.as_secs_f64()
    }
}

/// Lets all sides work in turns for `time` in all. The first round of each is for warming up and is not counted; who
/// begins changes, so that nobody always comes after the same.
pub(super) async fn alternate<const N: usize>(
    what: &str,
    time: Duration,
    mut sides: [&mut dyn Work; N],
) -> Result<[Samples; N], String> {
    let all = alternate_all(what, time, &mut sides).await?;
    all.try_into().map_err(|_| format!("{what}: a side is missing"))
}

/// The same for any number of sides.
pub(super) async fn alternate_all(
    what: &str,
    time: Duration,
    sides: &mut [&mut dyn Work],
) -> Result<Vec<Samples>, String> {
    let count = sides.len();
    let mut all: Vec<_> = sides.iter().map(|_| Samples { latencies: Vec::new(), time: Duration::ZERO }).collect();
    for side in sides.iter_mut() {
        side.round(Instant::now() + ROUND).await.map_err(|why| format!("{what}: {why}"))?;
    }
    let end = Instant::now() + time;
    for turn in 0.. {
        if Instant::now() >= end {
            break;
        }
        for place in 0..count {
            let side = (turn + place) % count;
            let began = Instant::now();
            let round = sides[side].round(began + ROUND).await.map_err(|why| format!("{what}: {why}"))?;
            all[side].time += began.elapsed();
            all[side].latencies.extend(round);
        }
    }
    for samples in &mut all {
        samples.latencies.sort_unstable();
    }
    Ok(all)
}

/// One after the other, until then.
pub(super) async fn repeat<E: ToString>(until: Instant, mut operation: impl AsyncFnMut() -> Result<(), E>) -> Round {
    let mut latencies = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        operation().await.map_err(|error| error.to_string())?;
        latencies.push(began.elapsed());
    }
    Ok(latencies)
}
