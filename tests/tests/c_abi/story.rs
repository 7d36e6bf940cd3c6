//! The situations of these tests, each in a line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use gocore_etcd_tests::c::{self, Library};
pub(crate) use gocore_etcd_tests::c::{built_for_tests as library, compiler};
use gocore_etcd_tests::not_run;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// A directory for what is compiled here.
pub(crate) fn library_dir() -> &'static Path {
    static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a directory"));
    // What is in a static is never dropped; in /tmp lie a directory and two links then.
    DIR.path()
}

/// Whether programs in C++ can be compiled here; if not, that is said once more wherever it is asked.
pub(crate) fn has_cplusplus() -> bool {
    let has = c::has("g++");
    if !has {
        not_run("the programs in C++", "there is no g++");
    }
    has
}

/// Compiles a program of `programs/` (or at an absolute path) and says where it lies.
pub(crate) fn compile(source: &str) -> PathBuf {
    compile_with(source, &[])
}

/// The same with these arguments besides.
pub(crate) fn compile_with(source: &str, args: &[&str]) -> PathBuf {
    let source = root().join("tests/tests/c_abi/programs").join(source);
    let name = source.file_name().expect("a file").to_string_lossy().replace('.', "_");
    let program = library_dir().join(format!("{name}.{}", fastrand::u64(..)));
    let programs = format!("-I{}", root().join("tests/tests/c_abi/programs").display());
    let compiled = Library::linked(&library("libgocore_etcd.so"), library_dir())
        .and_then(|library| library.compile(&source, &program, &[&[programs.as_str()], args].concat()));
    compiled.unwrap_or_else(|why| panic!("{why}"));
    program
}

/// Runs it to its end; what it said is shown when it fails.
pub(crate) fn succeeded(mut command: Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Runs a program against these endpoints, without blocking the test's runtime.
pub(crate) async fn run(program: PathBuf, endpoints: Vec<String>) -> Output {
    let run = move || {
        let mut command = Command::new("timeout");
        command.arg("300").arg(program).args(endpoints);
        succeeded(command)
    };
    tokio::task::spawn_blocking(run).await.expect("the program does what it should")
}

/// The same under valgrind memcheck: no error, nothing definitely lost. False where there is no valgrind.
pub(crate) async fn run_under_memcheck(program: PathBuf, endpoints: Vec<String>) -> bool {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return false;
    }
    let run = move || {
        let mut command = Command::new("timeout");
        command.args(["500", "valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full"]);
        command.args(["--show-leak-kinds=definite", "--errors-for-leak-kinds=definite", "--fair-sched=yes"]);
        // A program that brings an operator new of its own keeps it.
        command.arg("--soname-synonyms=somalloc=nouserintercepts");
        command.arg(program).args(endpoints);
        succeeded(command)
    };
    tokio::task::spawn_blocking(run).await.expect("memcheck finds nothing");
    true
}
