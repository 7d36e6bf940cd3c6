//! What is made from files of the tree and kept below `target/`: made again when one of them has changed, and only then.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use crate::binary::{lock, workspace};

/// Has `make` fill `place` unless what lies there was made from the same: the same `sources` (files of the workspace, and
/// folders with all that is in them), the same `circumstances`.
pub(crate) fn made(
    place: &Path,
    sources: &[&str],
    circumstances: &str,
    make: impl FnOnce() -> Result<(), String>,
) -> Result<(), String> {
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", place.display()));
    let stamp = beside("stamp");
    fs::create_dir_all(place.parent().unwrap_or(place)).map_err(|error| format!("{}: {error}", place.display()))?;
    // Also when two processes want it at once, it is made once.
    let _lock = lock(&beside("lock")).map_err(|error| format!("{}: {error}", beside("lock").display()))?;
    let wanted = format!("{:016x}", fingerprint(sources, circumstances)?);
    if place.exists() && fs::read_to_string(&stamp).is_ok_and(|made_from| made_from == wanted) {
        return Ok(());
    }
    // Without its stamp, what was left half made is never taken for the whole.
    let _ = fs::remove_file(&stamp);
    make()?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn fingerprint(sources: &[&str], circumstances: &str) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    circumstances.hash(&mut hasher);
    for source in sources {
        add(&workspace().join(source), &mut hasher)?;
    }
    Ok(hasher.finish())
}

fn add(path: &Path, hasher: &mut DefaultHasher) -> Result<(), String> {
    let told = |error| format!("{}: {error}", path.display());
    path.hash(hasher);
    if !path.is_dir() {
        fs::read(path).map_err(told)?.hash(hasher);
        return Ok(());
    }
    let entries: Result<Vec<_>, _> = fs::read_dir(path).map_err(told)?.map(|entry| Ok(entry?.path())).collect();
    let mut entries = entries.map_err(told)?;
    entries.sort_unstable();
    // What Python leaves where it has imported something is no source.
    entries.iter().filter(|path| !path.ends_with("__pycache__")).try_for_each(|path| add(path, hasher))
}

#[cfg(test)]
mod tests;
