//! `cargo xtask soak`: the integration tests again and again, each time with another seed, until the time is up or one
//! fails.

use std::time::{Duration, Instant};

use gocore_etcd_tests::binary::ETCD_BIN;
use gocore_etcd_tests::{Etcd, seed};

use crate::Outcome;
use crate::run::{cargo, show};
use crate::test::THREADS;

/// How many rounds each random scenario takes in one turn; a test run takes few.
const ROUNDS: &str = "20";
/// How many faults of all kinds an election goes through in one turn,
const FAULTS: &str = "100";
/// and how many Python programs end in the middle of something.
const EXITS: (&str, &str) = ("GOCORE_ETCD_EXITS", "1000");

pub(crate) fn run(args: &[String]) -> Outcome {
    let options = Options::parse(args)?;
    let etcd = Etcd::locate()?;
    println!("{etcd}; {} minutes from seed {}", options.minutes, options.seed);
    let end = Instant::now() + Duration::from_secs(60 * options.minutes);
    let mut turns = 0;
    while turns == 0 || Instant::now() < end {
        let seed = options.seed.wrapping_add(turns);
        println!("turn {} with seed {seed}", turns + 1);
        // Integration tests alone: what is random is in them.
        let mut test = cargo(&["test", "--workspace", "--locked", "--quiet", "--test", "*"]);
        test.env(ETCD_BIN, &etcd.path).env("RUST_TEST_THREADS", THREADS);
        test.env(seed::SEED, seed.to_string()).env(seed::ROUNDS, ROUNDS);
        test.env(seed::FAULTS, FAULTS).env(EXITS.0, EXITS.1);
        show(test)
            .map_err(|why| format!("turn {}: {why}\nagain: cargo xtask soak --minutes 0 --seed {seed}", turns + 1))?;
        turns += 1;
    }
    println!("{etcd}; {turns} turns, all well");
    Ok(())
}

struct Options {
    minutes: u64,
    seed: u64,
}

impl Options {
    fn parse(args: &[String]) -> Result<Options, String> {
        let mut options = Options { minutes: 10, seed: fastrand::u64(..u64::from(u32::MAX)) };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let number = args.next().and_then(|value| value.parse().ok());
            let number = number.ok_or_else(|| format!("{name} needs a number"))?;
            match name.as_str() {
                "--minutes" => options.minutes = number,
                "--seed" => options.seed = number,
                _ => return Err(format!("there is no option {name}; --minutes N, --seed S")),
            }
        }
        Ok(options)
    }
}
