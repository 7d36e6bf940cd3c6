//! `cargo xtask test`: every test against a real etcd, in one build, and an honest end.

mod failures;

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::process::{Command, ExitStatus};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use gocore_etcd_tests::binary::ETCD_BIN;
use gocore_etcd_tests::{Etcd, skip};

use crate::Outcome;
use crate::run::{cargo, shown};
use failures::Failures;

/// Tests mostly wait, for a lease to expire or a leader to be elected: more of them at once than there are cores.
pub(crate) const THREADS: &str = "8";

pub(crate) fn run(args: &[String]) -> Outcome {
    let etcd = Etcd::locate()?;
    println!("{etcd}");
    let not_run = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    // All of them: what failed is told at the end, and what comes after it is run too.
    let mut test = cargo(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    test.args(args.iter().filter(|arg| *arg != "--no-fail-fast"));
    test.env(ETCD_BIN, &etcd.path).env("RUST_TEST_THREADS", THREADS).env(skip::NOT_RUN, not_run.path());
    let shown = shown(&test);
    eprintln!("$ {shown}");
    let (status, failures) = watched(test).map_err(|error| format!("`{shown}`: {error}"))?;
    print!("{failures}");
    let noted = fs::read_to_string(not_run.path()).map_err(|error| error.to_string())?;
    println!("{etcd}; {}", last_words(args, failures.any_was_run(), &noted));
    if status.success() { Ok(()) } else { Err(format!("`{shown}`: {status}")) }
}

/// Passes on what it says as it says it, and listens for what fails.
fn watched(mut command: Command) -> io::Result<(ExitStatus, Failures)> {
    // One pipe for both, so that what is said stays in order.
    let (said, stdout) = io::pipe()?;
    command.stderr(stdout.try_clone()?).stdout(stdout);
    let mut child = command.spawn()?;
    // The command has our ends of the pipe.
    drop(command);
    let failures = Arc::new(Mutex::new(Failures::default()));
    let (all_heard, end) = mpsc::channel::<()>();
    let hears = Arc::clone(&failures);
    thread::spawn(move || {
        let _all_heard = all_heard;
        for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            hears.lock().unwrap_or_else(PoisonError::into_inner).hear(&line);
        }
    });
    let status = child.wait()?;
    // A process that a test has left behind may still have the pipe; it is not waited for.
    let _ = end.recv_timeout(Duration::from_secs(1));
    let failures = std::mem::take(&mut *failures.lock().unwrap_or_else(PoisonError::into_inner));
    Ok((status, failures))
}

/// What was not run, each item once: scenarios that share a reason may note it side by side.
fn last_words(args: &[String], any_was_run: bool, noted: &str) -> String {
    if !any_was_run {
        return "no test was run".to_owned();
    }
    let mut items: Vec<_> = noted.lines().collect();
    items.sort_unstable();
    items.dedup();
    let items = if items.is_empty() { "nothing".to_owned() } else { items.join("; ") };
    match args {
        [] => format!("not run: {items}"),
        _ => format!("only what was asked for was run ({}); of that not run: {items}", args.join(" ")),
    }
}

#[cfg(test)]
mod tests;
