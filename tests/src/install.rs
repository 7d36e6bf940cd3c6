//! The C library as its users get it: laid out below a prefix, with what pkg-config and CMake want to know.
//!
//! What is installed finds its parts by where it lies, so that a tree may be staged, moved and packed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// What a program needs beside `libgocore_etcd.a`.
pub const STATIC_LIBS: [&str; 7] = ["gcc_s", "util", "rt", "pthread", "m", "dl", "c"];

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Installs below `to` (the prefix, below whatever it is staged in): the shared library under its three names, the
/// archive, the headers, `gocore_etcd.pc` and the CMake package. What is there already is replaced, file by file, so
/// that a program that has the library loaded keeps the one it has. Gives the files.
///
/// # Errors
/// What failed, for a person.
pub fn install(shared: &Path, archive: &Path, to: &Path) -> Result<Vec<PathBuf>, String> {
    let mut target = Target { to: to.to_owned(), placed: Vec::new() };
    let full = format!("libgocore_etcd.so.{VERSION}");
    target.file(shared, &format!("lib/{full}"), 0o755)?;
    target.link(&full, "lib/libgocore_etcd.so.0")?;
    target.link("libgocore_etcd.so.0", "lib/libgocore_etcd.so")?;
    target.file(archive, "lib/libgocore_etcd.a", 0o644)?;

    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for header in headers(&workspace.join("include"))? {
        target.file(&workspace.join("include").join(&header), &format!("include/{header}"), 0o644)?;
    }
    let flags = STATIC_LIBS.map(|name| format!("-l{name}")).join(" ");
    target.filled(&workspace, "gocore_etcd.pc", "lib/pkgconfig", &flags)?;
    for part in ["gocore_etcd-config.cmake", "gocore_etcd-config-version.cmake"] {
        target.filled(&workspace, part, "lib/cmake/gocore_etcd", &STATIC_LIBS.join(";"))?;
    }
    Ok(target.placed)
}

/// `gocore_etcd.h`, `gocore_etcd.hpp` and its parts.
fn headers(include: &Path) -> Result<Vec<String>, String> {
    let parts = include.join("gocore_etcd");
    let mut headers = vec!["gocore_etcd.h".to_owned(), "gocore_etcd.hpp".to_owned()];
    let entries = fs::read_dir(&parts).map_err(|error| format!("{}: {error}", parts.display()))?;
    for entry in entries {
        let name = entry.map_err(|error| format!("{}: {error}", parts.display()))?.file_name();
        headers.push(format!("gocore_etcd/{}", name.to_string_lossy()));
    }
    headers.sort_unstable();
    Ok(headers)
}

struct Target {
    to: PathBuf,
    placed: Vec<PathBuf>,
}

impl Target {
    fn file(&mut self, from: &Path, name: &str, mode: u32) -> Result<(), String> {
        self.place(name, |new| {
            fs::copy(from, new)?;
            fs::set_permissions(new, fs::Permissions::from_mode(mode))
        })
        .map_err(|error| format!("{}: {error}", from.display()))
    }

    fn link(&mut self, of: &str, name: &str) -> Result<(), String> {
        self.place(name, |new| symlink(of, new))
    }

    /// A file of `ffi/install` with the version and the libraries filled in.
    fn filled(&mut self, workspace: &Path, name: &str, dir: &str, libs: &str) -> Result<(), String> {
        let from = workspace.join("ffi/install").join(name);
        let text = fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
        let text = text.replace("@VERSION@", VERSION).replace("@STATIC_LIBS@", libs);
        self.place(&format!("{dir}/{name}"), |new| {
            fs::write(new, text)?;
            fs::set_permissions(new, fs::Permissions::from_mode(0o644))
        })
    }

    /// Makes it beside its place, and then moves it there.
    fn place(&mut self, name: &str, make: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<(), String> {
        let at = self.to.join(name);
        let new = at.with_file_name(format!(".{}.new", at.file_name().unwrap_or_default().to_string_lossy()));
        let placed = || {
            fs::create_dir_all(at.parent().unwrap_or(&self.to))?;
            drop(fs::remove_file(&new));
            make(&new)?;
            fs::rename(&new, &at)
        };
        placed().map_err(|error| format!("{}: {error}", at.display()))?;
        self.placed.push(at);
        Ok(())
    }
}
