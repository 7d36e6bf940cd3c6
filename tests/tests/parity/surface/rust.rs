//! The public functions of the core's public types.

use std::collections::BTreeSet;

use super::{files, place, read};

/// The types that `lib.rs` gives out.
fn types() -> BTreeSet<String> {
    let root = read(&place("core/src/lib.rs"));
    let given = root.lines().filter_map(|line| line.strip_prefix("pub use ")?.split_once("::"));
    let words = given.flat_map(|(_, names)| names.split(|c: char| !c.is_alphanumeric()));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// `Type::function` for each, wherever it is implemented.
pub(crate) fn functions() -> BTreeSet<String> {
    let (types, mut found) = (types(), BTreeSet::new());
    // The bridge is for the other surfaces, and not documented to users.
    let sources = files(&place("core/src"), "rs").into_iter().filter(|path| !path.components().any(is_bridge));
    for file in sources {
        let mut of = None;
        for line in read(&file).lines() {
            if let Some(rest) = line.strip_prefix("impl") {
                let generic = rest.starts_with('<').then(|| rest.split_once("> ").map_or("", |(_, rest)| rest));
                let name = generic.unwrap_or(rest.trim_start()).split([' ', '{', '<']).next().unwrap_or_default();
                of = types.contains(name).then(|| name.to_owned());
            }
            let words =
                line.strip_prefix("    pub ").map(|line| line.replace("const fn", "fn").replace("async fn", "fn"));
            if let (Some(of), Some(signature)) = (&of, words.as_ref().and_then(|line| line.strip_prefix("fn "))) {
                found.insert(format!("{of}::{}", signature.split(['(', '<']).next().unwrap_or_default()));
            }
        }
    }
    found
}

fn is_bridge(part: std::path::Component<'_>) -> bool {
    part.as_os_str() == "bridge"
}
