//! Building from within a program that cargo runs.

use std::env;
use std::process::Command;

/// Takes from `command` what cargo tells a program that it runs about its package. Build scripts watch these variables
/// (ring's does): with them the command would build everything anew, and so would the next one without them.
pub fn as_from_a_shell(command: &mut Command) -> &mut Command {
    let told = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(told)) {
        command.env_remove(name);
    }
    command
}
