//! Programs in C and C++, compiled against the headers and the built library.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary::workspace;

/// What the header's conventions promise to compile under.
pub const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-pedantic", "-Werror"];

/// A compiler with the headers' directory.
pub fn compiler(program: &str, standard: &str) -> Command {
    let mut compiler = Command::new(program);
    compiler.arg(format!("-std={standard}")).args(STRICT).arg("-I").arg(workspace().join("include"));
    compiler
}

/// Whether this compiler is on the machine.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// A file of the C library that cargo has built for the running test, as a dependency of it.
///
/// # Panics
/// When it is not there.
pub fn built_for_tests(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("our own path");
    let path = program.parent().expect("it lies in deps").join(name);
    assert!(path.is_file(), "{}: cargo has not built it", path.display());
    path
}

/// The shared library, in a folder where the linker and the loader find it under the names they look for.
#[derive(Debug)]
pub struct Library {
    dir: PathBuf,
}

impl Library {
    /// Puts links to the `built` library into `dir`.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn linked(built: &Path, dir: &Path) -> Result<Library, String> {
        let told = |error: io::Error| format!("{}: {error}", dir.display());
        fs::create_dir_all(dir).map_err(told)?;
        for name in ["libgocore_etcd.so", "libgocore_etcd.so.0"] {
            match symlink(built, dir.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(told(error)),
                _ => {}
            }
        }
        Ok(Library { dir: dir.to_owned() })
    }

    /// Compiles one source, C++ when its name ends in `cpp`, into `program`, with these arguments besides.
    ///
    /// # Errors
    /// What the compiler said.
    pub fn compile(&self, source: &Path, program: &Path, args: &[&str]) -> Result<(), String> {
        // GNU's standard: usleep and friends beside C's.
        let cplusplus = source.extension().is_some_and(|extension| extension == "cpp");
        let mut compiler = if cplusplus { compiler("g++", "gnu++17") } else { compiler("gcc", "gnu11") };
        compiler.args(["-g", "-O1", "-pthread"]).args(args).arg(source).arg("-o").arg(program);
        compiler.arg("-L").arg(&self.dir).arg("-lgocore_etcd").arg(format!("-Wl,-rpath,{}", self.dir.display()));
        let output = compiler.output().map_err(|error| format!("{compiler:?}: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{compiler:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}
