//! What was built or downloaded is kept, in `target/etcd/`, and made once, also when two processes want it at once.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The binary of that name in `dir`, made by `make` (which writes the file it is given) unless it is there already.
pub(super) fn kept(dir: &Path, name: &str, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
    let path = dir.join(name);
    if path.is_file() {
        return Ok(path);
    }
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let _lock = lock(&dir.join("lock")).map_err(|error| format!("{}/lock: {error}", dir.display()))?;
    if path.is_file() {
        return Ok(path);
    }
    // Under its name there is only ever the whole file: it is made beside it and moved.
    let unfinished = dir.join(format!("{name}.unfinished"));
    make(&unfinished)?;
    fs::rename(&unfinished, &path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// The workspace's root.
pub(crate) fn workspace() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().expect("the crate lies in the workspace").to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    let chosen = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    workspace().join(chosen)
}

/// Held until the file is closed, by the kernel too if we die. (`File::lock` is newer than our MSRV.)
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = File::create(path)?;
    // SAFETY: plain system call on a descriptor that `file` keeps open.
    match unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } {
        0 => Ok(file),
        _ => Err(io::Error::last_os_error()),
    }
}
