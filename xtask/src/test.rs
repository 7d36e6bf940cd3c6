//! `cargo xtask test`: every test against a real etcd, in one build, and an honest last line.

use std::fs;

use gocore_etcd_tests::binary::ETCD_BIN;
use gocore_etcd_tests::{Etcd, skip};

use crate::Outcome;
use crate::run::{cargo, show};

/// Tests mostly wait, for a lease to expire or a leader to be elected: more of them at once than there are cores.
pub(crate) const THREADS: &str = "8";

pub(crate) fn run(args: &[String]) -> Outcome {
    let etcd = Etcd::locate()?;
    println!("{etcd}");
    let not_run = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    let mut test = cargo(&["test", "--workspace", "--locked"]);
    test.args(args);
    test.env(ETCD_BIN, &etcd.path).env("RUST_TEST_THREADS", THREADS).env(skip::NOT_RUN, not_run.path());
    let outcome = show(test);
    let noted = fs::read_to_string(not_run.path()).map_err(|error| error.to_string())?;
    println!("{etcd}; not run: {}", summary(&noted));
    outcome
}

/// One line, each item once: scenarios that share a reason may note it side by side.
fn summary(noted: &str) -> String {
    let mut items: Vec<_> = noted.lines().collect();
    items.sort_unstable();
    items.dedup();
    if items.is_empty() { "nothing".to_owned() } else { items.join("; ") }
}
