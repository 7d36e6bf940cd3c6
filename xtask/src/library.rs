//! Building the C library.

use std::path::PathBuf;

use crate::run::built;

/// Where its files lie.
pub(crate) struct Library {
    pub(crate) shared: PathBuf,
    pub(crate) archive: PathBuf,
}

/// Builds it under one of cargo's profiles.
pub(crate) fn build(profile: &str) -> Result<Library, String> {
    let what = ["--locked", "--package", "gocore-etcd-ffi", "--lib", "--profile", profile];
    let args = match profile {
        "dev" => [&["build"], &what[..]].concat(),
        // Beside an rlib, which the tests want, cargo does not optimise it as a whole.
        _ => [&["rustc"], &what[..], &["--crate-type", "cdylib,staticlib"]].concat(),
    };
    let [shared, archive] = built(&args, ["libgocore_etcd.so", "libgocore_etcd.a"])?;
    Ok(Library { shared, archive })
}
