//! What a run did not prove is said at its end, never left out in silence.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Names the file that collects what was not run; `cargo xtask test` reads it back.
pub const NOT_RUN: &str = "GOCORE_ETCD_NOT_RUN";

/// Says that `what` was not run because of `why`. The caller returns right after.
///
/// # Panics
/// With `CI=true`: there a missing part is an error.
pub fn not_run(what: &str, why: &str) {
    assert!(!is_ci(), "{what} was not run: {why}. With CI=true that is an error: bring what is missing.");
    record(&format!("{what}: {why}"));
}

/// Says that `what` was run but not judged because of `why` (an etcd without the lease fixes, say). This is a result
/// with a name, so it is allowed in CI too.
pub fn not_judged(what: &str, why: &str) {
    record(&format!("{what}: run, not judged: {why}"));
}

/// Says that `what` was not run because this machine has only one of something, or few, where more would tell more. All
/// that CI needs is there, so this is allowed in CI too.
pub fn not_to_be_had(what: &str, why: &str) {
    record(&format!("{what}: {why}"));
}

/// Whether `CI=true`.
pub fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn record(line: &str) {
    eprintln!("not run: {line}");
    let Some(path) = env::var_os(NOT_RUN) else { return };
    // Append and one write a line: the test processes share this file.
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    if let Err(error) = written {
        panic!("{NOT_RUN}={}: {error}", path.to_string_lossy());
    }
}
