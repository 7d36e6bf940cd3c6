//! Running the tools of the house.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use gocore_etcd_tests::cargo::as_from_a_shell;

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

/// Shows the command, runs it with our own output, and takes its exit code for the outcome.
pub(crate) fn show(mut command: Command) -> Outcome {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    let shown = format!("{program} {}", args.join(" "));
    eprintln!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}`: {status}")),
        Err(error) => Err(format!("`{shown}`: {error}")),
    }
}
