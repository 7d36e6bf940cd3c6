//! The Python package, as a wheel in an environment of its own, against a real etcd: never the source tree.

mod examples;
mod package;
mod readme;
mod sources;

use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use gocore_etcd_tests::python::{self, Python};
use gocore_etcd_tests::{Etcd, Server};
use tempfile::TempDir;

/// The wheel, built once for all tests of this process.
static WHEEL: LazyLock<Result<(TempDir, std::path::PathBuf), String>> = LazyLock::new(|| {
    let dir = TempDir::new().map_err(|error| error.to_string())?;
    let wheel = python::wheel(false, dir.path())?;
    Ok((dir, wheel))
});

fn wheel() -> &'static Path {
    match &*WHEEL {
        Ok((_, wheel)) => wheel,
        Err(why) => panic!("{why}"),
    }
}

/// An environment with the wheel and nothing else; gone with the directory.
fn installed(python: &Python) -> (TempDir, Python) {
    let dir = TempDir::new().expect("a directory");
    let python = python.install(wheel(), &dir.path().join("env")).unwrap_or_else(|why| panic!("{why}"));
    (dir, python)
}

/// Runs pytest over the package's tests, against `server`.
fn pytest(python: &Python, server: &Server, dir: &Path, args: &[&str]) {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/tests");
    let mut pytest = python.command();
    pytest.current_dir(dir).args(["-m", "pytest", "--color=no"]).arg(tests).args(args);
    pytest.env("GOCORE_ETCD_ENDPOINT", server.endpoint()).env("ETCD_BIN", &Etcd::find().path);
    succeed(pytest);
}

/// What it said is shown when it fails.
fn succeed(mut command: Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}\n{err}", output.status);
}
