//! Running the tools of the house.

use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gocore_etcd_tests::cargo::as_from_a_shell;
use serde_json::Value;

use crate::Outcome;

/// The workspace's root, whatever directory the user stands in.
pub(crate) fn workspace() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().expect("xtask lies in the workspace").to_owned()
}

/// The cargo that runs us, at the workspace's root.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(args);
    as_from_a_shell(&mut cargo);
    cargo
}

/// Has cargo build by `args`, in no time when it is there, and gives the file of that name among what it says it has built:
/// whatever the target directory, and never a stale one.
pub(crate) fn built<const N: usize>(args: &[&str], names: [&str; N]) -> Result<[PathBuf; N], String> {
    let mut build = cargo(args);
    build.args(["--quiet", "--message-format=json-render-diagnostics"]);
    let output = build.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    let shown = format!("cargo {}", args.join(" "));
    if !output.status.success() {
        return Err(format!("`{shown}`: {}", output.status));
    }
    let mut files = HashMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).unwrap_or_default();
        let paths = message["filenames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(PathBuf::from);
        files.extend(paths.filter_map(|path| Some((path.file_name()?.to_str()?.to_owned(), path))));
    }
    if let Some(name) = names.iter().find(|name| !files.contains_key(**name)) {
        return Err(format!("`{shown}`: it built no {name}"));
    }
    Ok(names.map(|name| files[name].clone()))
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    format!("{program} {}", args.join(" "))
}

/// Shows the command, runs it with our own output, and takes its exit code for the outcome.
pub(crate) fn show(mut command: Command) -> Outcome {
    let shown = shown(&command);
    eprintln!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}`: {status}")),
        Err(error) => Err(format!("`{shown}`: {error}")),
    }
}
