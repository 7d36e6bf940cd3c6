//! Building the C library.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::run::cargo;

/// Where its files lie.
pub(crate) struct Library {
    pub(crate) shared: PathBuf,
    pub(crate) archive: PathBuf,
}

/// Builds it under one of cargo's profiles.
pub(crate) fn build(profile: &str) -> Result<Library, String> {
    let args = ["build", "--quiet", "--locked", "--package", "gocore-etcd-ffi", "--profile", profile];
    let mut build = cargo(&args);
    build.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = build.output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo {}: {}", args.join(" "), output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let files = messages.flat_map(|message| message["filenames"].as_array().cloned().unwrap_or_default());
    let files: Vec<_> = files.filter_map(|file| file.as_str().map(PathBuf::from)).collect();
    let find = |name: &str| {
        let found = files.iter().find(|file| file.file_name().is_some_and(|own| own == name));
        found.cloned().ok_or_else(|| format!("cargo {}: it built no {name}", args.join(" ")))
    };
    Ok(Library { shared: find("libgocore_etcd.so")?, archive: find("libgocore_etcd.a")? })
}
