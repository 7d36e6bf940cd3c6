//! `cargo xtask wheel`: the Python package as it is given to users; and what `check` has to say about its sources.

use std::path::Path;

use gocore_etcd_tests::python::{self, Python};

use crate::Outcome;
use crate::run::{show, workspace};

/// Builds the wheel and the sdist into `target/wheels`.
pub(crate) fn run() -> Outcome {
    let out = python::wheels()?;
    println!("{}", python::wheel(true, &out)?.display());
    println!("{}", python::sdist(&out)?.display());
    Ok(())
}

/// Format, lints, types, and that the stubs say what the built module has.
pub(crate) fn check() -> Outcome {
    let tools = Python::with_tools()?;
    let tool = |args: &[&str]| {
        let mut command = tools.command();
        command.current_dir(workspace().join("python")).arg("-m").args(args);
        show(command)
    };
    let places = [".", "../examples/python", "../xtask/players"];
    tool(&[&["ruff", "format", "--check"], &places[..]].concat())?;
    tool(&[&["ruff", "check"], &places[..]].concat())?;
    tool(&["mypy", "--package", "gocore_etcd"])?;
    stubs()
}

fn stubs() -> Outcome {
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let wheel = python::wheel(false, dir.path())?;
    let python = Python::of_machine().install(&wheel, &dir.path().join("env"))?;
    let examples = workspace().join("examples/python");
    // From elsewhere, so that the installed package is what they see.
    let settings = workspace().join("python/pyproject.toml");
    let installed = |args: &[&str], on: &Path| {
        let mut command = python.command();
        command.current_dir(dir.path()).arg("-m").args(args).arg(on);
        show(command)
    };
    let allowed = workspace().join("python/stubtest.txt").display().to_string();
    installed(&["mypy.stubtest", "--concise", "--allowlist", &allowed], Path::new("gocore_etcd"))?;
    let config = format!("--config-file={}", settings.display());
    installed(&["mypy", "--strict", &config], &examples)
}
