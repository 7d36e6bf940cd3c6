//! The surfaces say the same: PARITY.md against what is really there, and the three lists of errors against each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gocore_etcd_core::ErrorKind;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rows of the table: capability, Rust, C, Python.
fn rows() -> Vec<[String; 4]> {
    let table = read("PARITY.md");
    let cells = |line: &str| -> Option<[String; 4]> {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
        cells.get(1..5)?.to_vec().try_into().ok()
    };
    table.lines().filter(|line| line.starts_with("| ")).skip(1).filter_map(cells).collect()
}

/// Where core's public functions are.
const FILES: [&str; 10] = [
    "client.rs",
    "kv.rs",
    "kv/watch.rs",
    "lock.rs",
    "election.rs",
    "election/candidacy.rs",
    "election/leader.rs",
    "election/leadership.rs",
    "election/observation.rs",
    "election/run.rs",
];
/// What they are functions of.
const TYPES: [&str; 7] = ["Client", "Kv", "KvWatch", "Lock", "Leadership", "Candidacy", "Observation"];

/// `Type::function` for each public function of these Rust types, wherever they are implemented.
fn rust_functions() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in FILES {
        let mut of = None;
        for line in read(&format!("core/src/{file}")).lines() {
            if let Some(rest) = line.strip_prefix("impl ") {
                let name = rest.split([' ', '{']).next().unwrap_or_default();
                of = TYPES.contains(&name).then(|| name.to_owned());
            }
            let line = line.strip_prefix("    pub ").map(|line| line.strip_prefix("async ").unwrap_or(line));
            if let (Some(of), Some(signature)) = (&of, line.and_then(|line| line.strip_prefix("fn "))) {
                found.insert(format!("{of}::{}", signature.split(['(', '<']).next().unwrap_or_default()));
            }
        }
    }
    found
}

/// `Class.method` for each public method of these classes in one of the package's two forms, inherited ones too.
fn python_methods(form: &str) -> BTreeSet<String> {
    let (mut found, mut bases) = (BTreeSet::new(), BTreeSet::new());
    // What both forms share lies in `_calls`, what a form's classes share in a file of its own.
    let files = ["client", "kv", "watch", "_held", "lock", "election", "candidacy"];
    let own = files.map(|file| format!("{form}{file}.py"));
    let shared = ["client", "kv", "watch", "held", "lock", "election", "candidacy"];
    for part in own.into_iter().chain(shared.map(|file| format!("_calls/{file}.py"))) {
        let mut class = String::new();
        for line in read(&format!("python/gocore_etcd/{part}")).lines() {
            if let Some(rest) = line.strip_prefix("class ") {
                let mut names = rest.split(|c: char| !c.is_alphanumeric()).map(|name| name.trim_end_matches("Base"));
                class = names.next().unwrap_or_default().to_owned();
                bases.extend(names.map(|base| (class.clone(), base.to_owned())));
                found.insert((class.clone(), String::new()));
            }
            let line = line.strip_prefix("    ").map(|line| line.strip_prefix("async ").unwrap_or(line));
            if let Some(signature) = line.and_then(|line| line.strip_prefix("def ")) {
                let method = signature.split('(').next().unwrap_or_default();
                if !method.starts_with('_') {
                    found.insert((class.clone(), format!(".{method}")));
                }
            }
        }
    }
    let heirs = bases.iter().flat_map(|(heir, base)| {
        let inherited = found.iter().filter(move |(class, method)| class == base && !method.is_empty());
        inherited.map(move |(_, method)| format!("{heir}{method}"))
    });
    heirs.chain(found.iter().map(|(class, method)| format!("{class}{method}"))).collect()
}

#[test]
fn the_table_names_what_is_there() {
    let (rust, header) = (rust_functions(), read("include/gocore_etcd.h"));
    let (blocking, asyncio) = (python_methods(""), python_methods("aio/"));
    assert!(!rows().is_empty());
    for [capability, in_rust, in_c, in_python] in rows() {
        let is_named = |cell: &str| !cell.is_empty() && cell != "not yet";
        assert!(rust.contains(&in_rust), "{capability}: no {in_rust} in core");
        assert!(!is_named(&in_c) || header.contains(&format!("{in_c}(")), "{capability}: no {in_c} in the header");
        for (form, methods) in [("gocore_etcd", &blocking), ("gocore_etcd.aio", &asyncio)] {
            assert!(!is_named(&in_python) || methods.contains(&in_python), "{capability}: no {in_python} in {form}");
        }
    }
}

#[test]
fn every_public_function_stands_in_the_table() {
    let named: BTreeSet<String> = rows().into_iter().map(|[_, rust, _, _]| rust).collect();
    let missing: Vec<_> = rust_functions().difference(&named).cloned().collect();
    assert!(missing.is_empty(), "in core, but not in PARITY.md: {missing:?}");
}

/// `DeadlineExceeded` → `DEADLINE_EXCEEDED`.
fn upper_snake(kind: ErrorKind) -> String {
    let mut name = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(c.to_uppercase());
    }
    name
}

#[test]
fn the_three_lists_of_errors_are_one() {
    let (header, python) = (read("include/gocore_etcd.h"), read("python/gocore_etcd/_errors.py"));
    for kind in ErrorKind::ALL {
        let (name, number) = (upper_snake(kind), kind as i32);
        assert!(header.contains(&format!("GOCORE_ETCD_STATUS_{name} = {number},")), "C: {name} = {number}");
        assert!(python.contains(&format!("    {name} = {number}\n")), "Python: {name} = {number}");
        assert!(python.contains(&format!("kind = ErrorKind.{name}\n")), "Python: no class of kind {name}");
    }
    let statuses = header.lines().filter(|line| line.trim_start().starts_with("GOCORE_ETCD_STATUS_")).count();
    assert_eq!(statuses, ErrorKind::ALL.len() + 1, "C has OK besides, and no other");
    let kinds = python.lines().filter(|line| line.trim_start().starts_with("kind = ErrorKind.")).count();
    assert_eq!(kinds, ErrorKind::ALL.len(), "Python has a class for each, and no other");
}
