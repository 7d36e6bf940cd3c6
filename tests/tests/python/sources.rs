//! The package as its users build it themselves: from a clone and from an sdist, without a protoc on the machine.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use gocore_etcd_tests::cargo::as_from_a_shell;
use gocore_etcd_tests::not_run;
use gocore_etcd_tests::python::{self, Python};
use gocore_etcd_tests::skip::is_ci;
use tempfile::TempDir;

use crate::succeed;

/// Does it outside of CI too: it builds everything anew.
const ASKED: &str = "GOCORE_ETCD_SOURCES";

/// Only Rust, a C compiler and a Python; nothing that was built before, and no crate unpacked, tools/protoc's neither.
struct Newcomer {
    dir: TempDir,
}

impl Newcomer {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let machine = env::var_os("CARGO_HOME").map(PathBuf::from);
        let machine = machine.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"))).expect("a home");
        // What was downloaded is shared.
        linked(&machine, &dir.path().join("cargo"), "registry");
        linked(&machine.join("registry"), &dir.path().join("cargo/registry"), "src");
        Self { dir }
    }

    /// In one place all three builds share what they have in common.
    fn has<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        as_from_a_shell(command).env_remove("PROTOC").env("PATH", without_protoc());
        command.env("CARGO_HOME", self.dir.path().join("cargo"));
        command.env("CARGO_TARGET_DIR", self.dir.path().join("target"))
    }

    /// As the README says it, into an environment that has nothing else.
    fn installs(&self, what: &Path) {
        let env = self.dir.path().join("env");
        let place = env.to_str().expect("text");
        Python::of_machine().run(["-m", "venv", "--clear", place]).unwrap_or_else(|why| panic!("{why}"));
        let python = Python::at(&env.join("bin/python"));
        let mut install = python.command();
        install.args(["-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]).arg(what);
        self.has(&mut install).current_dir("/");
        succeed(install);
        let mut import = python.command();
        import.current_dir("/").args(["-c", "import gocore_etcd.aio"]);
        succeed(import);
    }
}

/// `to` has all that `from` has, but for `left_out`.
fn linked(from: &Path, to: &Path, left_out: &str) {
    fs::create_dir(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory").flatten().filter(|entry| entry.file_name() != left_out) {
        symlink(entry.path(), to.join(entry.file_name())).expect("linked");
    }
}

fn without_protoc() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let has = |dir: &Path| dir.join("protoc").exists();
    env::join_paths(env::split_paths(&path).filter(|dir| !has(dir))).expect("it came from there")
}

#[test]
fn a_clone_builds_and_the_package_installs_from_it_and_from_the_sdist_where_there_is_no_protoc() {
    if env::var_os(ASKED).is_none() && !is_ci() {
        let why = format!("they build everything anew: set {ASKED}=1");
        return not_run("building in a plain clone, pip install ./python, and from the sdist", &why);
    }
    let newcomer = Newcomer::new();
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the workspace");
    let mut build = Command::new("cargo");
    build.current_dir(&clone).args(["build", "--locked", "--release", "--package", "gocore-etcd-python"]);
    newcomer.has(&mut build);
    succeed(build);
    newcomer.installs(&clone.join("python"));
    // Away from the clone there is no tools/protoc.
    let sdist = python::sdist(newcomer.dir.path()).unwrap_or_else(|why| panic!("{why}"));
    newcomer.installs(&sdist);
}
