//! What the workers run: an agent per language, built where it is not there or not fresh.

use std::path::PathBuf;
use std::process::Stdio;

use gocore_etcd_tests::agents::{Built, Programs};
use gocore_etcd_tests::skip::is_ci;
use serde_json::Value;

use crate::run::cargo;

/// All programs that this machine can have; in CI a missing one is an error.
pub(super) fn programs() -> Result<Programs, String> {
    let programs = Programs::make(&built()?)?;
    match programs.missing.first() {
        Some((language, why)) if is_ci() => {
            let (name, rule) = (language.name(), "with CI=true that is an error");
            Err(format!("{name} is missing from the cast: {why}; {rule}"))
        }
        _ => Ok(programs),
    }
}

/// Has cargo build the Rust agent and the C library (in no time when they are there), and asks it where they lie:
/// whatever target directory or profile, and never stale ones.
fn built() -> Result<Built, String> {
    let what = ["--package", "gocore-etcd-tests", "--bin", "agent", "--package", "gocore-etcd-ffi", "--lib"];
    let mut build = cargo(&[&["build", "--quiet"], &what[..]].concat());
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = build.output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo build {}: {}", what.join(" "), output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = messages.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let agent = messages.iter().find_map(|message| message["executable"].as_str());
    let files = messages.iter().filter_map(|message| message["filenames"].as_array()).flatten();
    let library = files.filter_map(Value::as_str).find(|file| file.ends_with("/libgocore_etcd.so"));
    let there = |file: Option<&str>| file.map(PathBuf::from).ok_or("cargo build: it built no agent or no library");
    Ok(Built { agent: there(agent)?, library: there(library)? })
}
