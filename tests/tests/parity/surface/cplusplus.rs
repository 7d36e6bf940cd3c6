//! The public functions of the headers of C++.

use std::collections::BTreeSet;

use super::{files, place, read};

/// `Class::function`, and the functions of none; what a client has by a base of its own is the client's.
pub(crate) fn functions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in files(&place("include/gocore_etcd"), "hpp") {
        found.extend(in_text(&read(&file)));
    }
    found
}

fn in_text(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let (mut class, mut public, mut inner) = (None, false, false);
    for line in text.lines() {
        match line.trim_end() {
            "namespace detail {" => inner = true,
            "} // namespace detail" => inner = false,
            "public:" => public = true,
            "private:" | "protected:" => public = false,
            "};" => class = None,
            _ => {}
        }
        if inner {
            continue;
        }
        if let Some((name, is_struct)) = class_of(line) {
            (class, public) = (Some(name), is_struct);
        } else if let Some(name) = function(line, class.is_some()) {
            // A constructor bears its class's name.
            let is_public = class.as_ref().is_none_or(|class| public && *class != name);
            if is_public {
                found.insert(class.as_ref().map_or(name.clone(), |class| format!("{class}::{name}")));
            }
        }
    }
    found
}

/// `Lock` from `class Lock {`; `Client` from `template <typename Client> class WithLocks {`, which is a base of it.
fn class_of(line: &str) -> Option<(String, bool)> {
    let head = line.strip_suffix('{')?;
    let (template, rest) = head.split_once("class ").map_or((None, None), |(before, rest)| (Some(before), Some(rest)));
    if let (Some(template), Some(rest)) = (template, rest) {
        let heir = template.strip_prefix("template <typename ").map(|rest| rest.trim_end_matches("> ").to_owned());
        let is_class = template.is_empty() || heir.is_some();
        let own = rest.split([' ', ':']).next().unwrap_or_default().to_owned();
        return is_class.then(|| (heir.unwrap_or(own), false));
    }
    let name = head.strip_prefix("struct ")?.split([' ', ':']).next()?;
    Some((name.to_owned(), true))
}

/// The name of the function that a line declares: at the margin, or in a class one step further in.
fn function(line: &str, in_class: bool) -> Option<String> {
    let margin = if in_class { "    " } else { "" };
    let rest = line.strip_prefix(margin).filter(|rest| rest.starts_with(char::is_alphabetic))?;
    let before = rest.split('(').next().filter(|before| before.len() < rest.len())?;
    let (kind, name) = before.rsplit_once([' ', '*', '&'])?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_declared = !kind.contains("operator") && !kind.starts_with("return") && !kind.contains('=');
    (is_name && is_declared).then(|| name.to_owned())
}
