//! The public names of the Python package, in one of its two forms.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{files, place, read};

#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    Blocking,
    Asyncio,
}

impl Form {
    fn folder(self) -> PathBuf {
        match self {
            Self::Blocking => place("python/gocore_etcd"),
            Self::Asyncio => place("python/gocore_etcd/aio"),
        }
    }
}

#[derive(Debug, Default)]
struct Class {
    bases: Vec<String>,
    /// Methods and properties that are public.
    members: BTreeSet<String>,
}

type Classes = BTreeMap<String, Class>;

/// What `__all__` lists, and `Class.member` for each method and property of what of it is a class, inherited ones too.
pub(crate) fn names(form: Form) -> BTreeSet<String> {
    let root = read(&form.folder().join("__init__.py"));
    let all = root.split_once("__all__ = [").expect("a list").1.split(']').next().unwrap_or_default();
    let native = classes(&place("python/gocore_etcd/_native.pyi"));
    let package = form_classes(form);
    let mut found = BTreeSet::new();
    for name in all.split(',').map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty()) {
        found.insert(name.to_owned());
        // Native code has classes of the same names behind some of the package's.
        let known = if package.contains_key(name) { &package } else { &native };
        found.extend(members(name, known).into_iter().map(|member| format!("{name}.{member}")));
    }
    found
}

fn members(name: &str, known: &Classes) -> BTreeSet<String> {
    let Some(class) = known.get(name) else { return BTreeSet::new() };
    let inherited = class.bases.iter().filter(|base| *base != name).flat_map(|base| members(base, known));
    inherited.chain(class.members.iter().cloned()).collect()
}

/// The classes of a form's own files, and of those that both share.
fn form_classes(form: Form) -> Classes {
    let mut found = Classes::new();
    let package = Form::Blocking.folder();
    let own = form.folder();
    let in_order = [package.clone(), package.join("_calls"), own];
    for folder in in_order {
        let sources = files(&folder, "py").into_iter().filter(|path| path.parent() == Some(&*folder));
        sources.for_each(|path| found.extend(classes(&path)));
    }
    found
}

fn classes(file: &Path) -> Classes {
    let (mut found, mut of) = (Classes::new(), None::<String>);
    for line in read(file).lines() {
        if let Some(rest) = line.strip_prefix("class ") {
            let name = rest.split(['(', ':']).next().unwrap_or_default().to_owned();
            let bases = rest.split_once('(').map_or("", |(_, bases)| bases);
            let bases = bases.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned).collect();
            found.insert(name.clone(), Class { bases, ..Class::default() });
            of = Some(name);
        } else if line.starts_with(char::is_alphabetic) {
            of = None;
        }
        let line = line.strip_prefix("    ").map(|line| line.strip_prefix("async ").unwrap_or(line));
        if let (Some(of), Some(signature)) = (&of, line.and_then(|line| line.strip_prefix("def "))) {
            let member = signature.split('(').next().unwrap_or_default();
            if !member.starts_with('_') {
                found.entry(of.clone()).or_default().members.insert(member.to_owned());
            }
        }
    }
    found
}
