//! Waiting for what must come true, instead of sleeping and hoping.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// How often the condition is looked at.
const INTERVAL: Duration = Duration::from_millis(10);

/// Asks `probe` every 10 ms until it yields something; panics with `what` when `within` has passed without.
///
/// A probe that itself hangs counts as "not yet".
///
/// # Panics
/// When `within` has passed.
pub async fn eventually<T>(within: Duration, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + within;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        if let Ok(Some(found)) = timeout(left, probe()).await {
            return found;
        }
        sleep(INTERVAL).await;
    }
    panic!("not within {within:?}: {what}");
}
