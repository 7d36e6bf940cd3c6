//! What the workers run: an agent per language, built where it is not there or not fresh.

use gocore_etcd_tests::agents::{Built, Programs};
use gocore_etcd_tests::skip::is_ci;

use crate::run::built;

/// All programs that this machine can have; in CI a missing one is an error.
pub(crate) fn programs() -> Result<Programs, String> {
    let programs = Programs::make(&from_cargo()?)?;
    if is_ci() && !programs.missing.is_empty() {
        return Err(format!("with CI=true it is an error that these are missing: {}", programs.missing()));
    }
    Ok(programs)
}

/// The Rust agent and the C library, as cargo builds them.
fn from_cargo() -> Result<Built, String> {
    let what = ["build", "--package", "gocore-etcd-tests", "--bin", "agent", "--package", "gocore-etcd-ffi", "--lib"];
    let [agent, library] = built(&what, ["agent", "libgocore_etcd.so"])?;
    Ok(Built { agent, library })
}
