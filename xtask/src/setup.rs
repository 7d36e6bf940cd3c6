//! `cargo xtask setup`: everything that takes time once is done now.

use std::env;
use std::process::Command;

use gocore_etcd_tests::Etcd;

use crate::Outcome;
use crate::demo;

pub(crate) fn run() -> Outcome {
    println!("{}", version("rustc")?);
    // Set by .cargo/config.toml; that we run proves that it works.
    println!("protoc: {}", version(&env::var("PROTOC").unwrap_or_else(|_| "protoc".into()))?);
    println!("{}", Etcd::locate()?);
    let programs = demo::programs()?;
    let languages: Vec<_> = programs.here.iter().map(|program| program.language.name()).collect();
    println!("surfaces: {}", languages.join(", "));
    if !programs.missing.is_empty() {
        println!("missing: {}", programs.missing());
    }
    Ok(())
}

fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program).arg("--version").output().map_err(|error| format!("{program}: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
