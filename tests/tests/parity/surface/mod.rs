//! What each surface has, read from its sources: nothing here knows a name.

mod cplusplus;
mod python;
mod rust;

pub(crate) use cplusplus::functions as cplusplus;
pub(crate) use python::{Form, names as python};
pub(crate) use rust::functions as rust;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files below a folder whose names end so, in order.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.expect("a file").path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|one| one == extension) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

/// The functions of C: what the library exports, which another test holds against the header.
pub(crate) fn c() -> BTreeSet<String> {
    read(&place("ffi/abi/symbols.txt")).lines().map(str::to_owned).collect()
}
