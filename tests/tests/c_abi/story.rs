//! The situations of these tests, each in a line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use gocore_etcd_tests::not_run;

/// The workspace's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the workspace")
}

/// A directory with the library under the names that the linker and the loader look for.
pub(crate) fn library_dir() -> &'static Path {
    static DIR: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["libgocore_etcd.so", "libgocore_etcd.so.0"] {
            std::os::unix::fs::symlink(library("libgocore_etcd.so"), dir.path().join(name)).expect("a link");
        }
        dir
    });
    // What is in a static is never dropped; in /tmp lie a directory and two links then.
    DIR.path()
}

/// A file of the library: cargo built it for us, as a dependency.
pub(crate) fn library(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("our own path");
    let path = program.parent().expect("it lies in deps").join(name);
    assert!(path.is_file(), "{}: cargo has not built it", path.display());
    path
}

/// What the conventions promise to compile under.
pub(crate) const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// A compiler with the header's directory.
pub(crate) fn compiler(program: &str, standard: &str) -> Command {
    let mut compiler = Command::new(program);
    compiler.arg(format!("-std={standard}")).args(STRICT).arg("-I").arg(root().join("include"));
    compiler
}

/// Whether programs in C++ can be compiled here; if not, that is said once more wherever it is asked.
pub(crate) fn has_cplusplus() -> bool {
    let has = Command::new("g++").arg("--version").output().is_ok_and(|output| output.status.success());
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
    let cplusplus = source.extension().is_some_and(|extension| extension == "cpp");
    // usleep and friends beside the standard.
    let mut compiler = if cplusplus { compiler("g++", "gnu++17") } else { compiler("gcc", "gnu11") };
    compiler
        .args(["-g", "-O1", "-pthread", "-I"])
        .arg(root().join("tests/tests/c_abi/programs"))
        .args(args)
        .arg(&source)
        .arg("-o")
        .arg(&program);
    compiler.arg("-L").arg(library_dir()).arg("-lgocore_etcd").arg(format!("-Wl,-rpath,{}", library_dir().display()));
    succeeded(compiler);
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
        command.arg(program).args(endpoints);
        succeeded(command)
    };
    tokio::task::spawn_blocking(run).await.expect("memcheck finds nothing");
    true
}
