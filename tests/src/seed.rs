//! Chance that can be repeated: one seed for a test process, and how many rounds the random scenarios take.

use std::env;
use std::sync::LazyLock;

/// Names the seed of a run; `cargo xtask soak` sets it.
pub const SEED: &str = "GOCORE_ETCD_SEED";
/// Names how often a random scenario repeats its round; `cargo xtask soak` sets it.
pub const ROUNDS: &str = "GOCORE_ETCD_ROUNDS";

/// Names how many faults the random story of an election takes; `cargo xtask soak` sets it.
pub const FAULTS: &str = "GOCORE_ETCD_FAULTS";

/// The seed of this process: `$GOCORE_ETCD_SEED`, else a new one. It is printed, and so shown with a failing test.
pub fn seed() -> u64 {
    static CHOSEN: LazyLock<u64> =
        LazyLock::new(|| number(SEED).unwrap_or_else(|| fastrand::u64(..u64::from(u32::MAX))));
    println!("{SEED}={}", *CHOSEN);
    *CHOSEN
}

/// A generator that depends on the seed and on `scenario` alone, so that tests may run in any order.
pub fn rng(scenario: &str) -> fastrand::Rng {
    // FNV-1a: stable over builds, unlike the standard library's hasher.
    let mixed = scenario
        .bytes()
        .fold(seed() ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    fastrand::Rng::with_seed(mixed)
}

/// How many rounds a random scenario takes: `$GOCORE_ETCD_ROUNDS`, else `default`.
pub fn rounds(default: u32) -> u32 {
    count(ROUNDS, default)
}

/// How many faults the random story of an election takes: `$GOCORE_ETCD_FAULTS`, else `default`.
pub fn faults(default: u32) -> u32 {
    count(FAULTS, default)
}

fn count(name: &str, default: u32) -> u32 {
    number(name).and_then(|count| u32::try_from(count).ok()).unwrap_or(default)
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
