//! A steady load of gets and puts, and what became of each of them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use gocore_etcd_core::{Client, Error};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

/// A get and a put so often, whether or not the earlier ones have ended. Three clusters bear it side by side on two cores.
const PACE: Duration = Duration::from_millis(75);
const KEYS: u32 = 16;

/// Calls that go on until [`stop`](Load::stop).
pub(crate) struct Load {
    stopped: Arc<AtomicBool>,
    driver: JoinHandle<Vec<Outcome>>,
}

/// What became of one call.
pub(crate) struct Outcome {
    pub(crate) is_put: bool,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) error: Option<Error>,
}

impl Load {
    pub(crate) fn start(client: &Client) -> Load {
        let stopped = Arc::new(AtomicBool::new(false));
        let driver = tokio::spawn(drive(client.clone(), stopped.clone()));
        Load { stopped, driver }
    }

    /// Everything that was called, once all of it has ended.
    pub(crate) async fn stop(self) -> Vec<Outcome> {
        self.stopped.store(true, Relaxed);
        self.driver.await.expect("the load")
    }
}

async fn drive(client: Client, stopped: Arc<AtomicBool>) -> Vec<Outcome> {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = JoinSet::new();
    for n in 0.. {
        pace.tick().await;
        if stopped.load(Relaxed) {
            break;
        }
        let key = client.key(["load", &(n % KEYS).to_string()]);
        calls.spawn(call(client.clone(), key.clone(), false));
        calls.spawn(call(client.clone(), key, true));
    }
    calls.join_all().await
}

async fn call(client: Client, key: String, is_put: bool) -> Outcome {
    let began = Instant::now();
    let error = match is_put {
        true => client.kv().put(key, "value").await.err(),
        false => client.kv().get(key).await.err(),
    };
    Outcome { is_put, began, took: began.elapsed(), error }
}

/// How long calls took.
pub(crate) struct Latency {
    p50: Duration,
    pub(crate) p99: Duration,
    worst: Duration,
}

impl Latency {
    pub(crate) fn of<'a>(outcomes: impl IntoIterator<Item = &'a Outcome>) -> Latency {
        let mut took: Vec<_> = outcomes.into_iter().map(|outcome| outcome.took).collect();
        assert!(took.len() >= 30, "too few calls to judge: {}", took.len());
        took.sort_unstable();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100];
        Latency { p50: at(50), p99: at(99), worst: at(100) }
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Latency { p50, p99, worst } = self;
        write!(f, "{p50:.1?} (p99 {p99:.1?}, worst {worst:.1?})")
    }
}
