//! `cargo xtask install`: the C library with its headers, where the system's tools find it.

use std::path::{Path, PathBuf};

use gocore_etcd_tests::install;

use crate::Outcome;
use crate::library;

const USAGE: &str = "usage: cargo xtask install --prefix DIR [--destdir DIR] [--profile PROFILE]";

/// Builds the library (in release, or the profile that is given) and lays it out below DESTDIR + PREFIX.
pub(crate) fn run(args: &[String]) -> Outcome {
    let (mut prefix, mut staged, mut profile) = (None, None, "release");
    for pair in args.chunks(2) {
        match pair {
            [option, value] if option == "--prefix" => prefix = Some(Path::new(value)),
            [option, value] if option == "--destdir" => staged = Some(Path::new(value)),
            [option, value] if option == "--profile" => profile = value,
            _ => return Err(USAGE.to_owned()),
        }
    }
    let to = destination(prefix.ok_or(USAGE)?, staged)?;
    let built = library::build(profile)?;
    for file in install::install(&built.shared, &built.archive, &to)? {
        println!("{}", file.display());
    }
    Ok(())
}

/// The prefix as it will be found, below the directory that it is staged in.
fn destination(prefix: &Path, staged: Option<&Path>) -> Result<PathBuf, String> {
    if !prefix.is_absolute() {
        return Err(format!("--prefix {}: must be an absolute path", prefix.display()));
    }
    let below = prefix.strip_prefix("/").unwrap_or(prefix);
    Ok(staged.map_or_else(|| prefix.to_owned(), |staged| staged.join(below)))
}
