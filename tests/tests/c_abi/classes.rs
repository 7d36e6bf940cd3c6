//! The headers of C++: each compiles alone, with and without exceptions, and keeps the rules of its errors.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;

use crate::header::{compiles, declarations, header};
use crate::story::{compiler, has_cplusplus, root};

/// The parts, by the names under which a program may include them.
fn parts() -> Vec<String> {
    let dir = root().join("include/gocore_etcd");
    let files = fs::read_dir(&dir).expect("the parts").map(|entry| entry.expect("a file").file_name());
    let mut parts: Vec<_> = files.map(|name| format!("gocore_etcd/{}", name.to_string_lossy())).collect();
    parts.sort_unstable();
    assert!(parts.len() > 10, "{parts:?}");
    parts
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join("include").join(name)).expect("a header")
}

#[test]
fn each_header_compiles_alone_with_and_without_exceptions() {
    if !has_cplusplus() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let parts = parts();
    let parts = parts.iter().map(|part| (part.as_str(), "c++17"));
    for (header, standard) in parts.chain(["c++17", "c++20", "c++23"].map(|standard| ("gocore_etcd.hpp", standard))) {
        let alone = format!("#include <{header}>\n#include <{header}>\nint main() {{}}\n");
        for exceptions in ["-fexceptions", "-fno-exceptions"] {
            let mut compiler = compiler("g++", standard);
            compiler.args([exceptions, "-fsyntax-only"]);
            compiles(compiler, dir.path(), "cpp", &alone);
        }
    }
}

#[test]
fn the_one_header_includes_every_part_and_a_part_bears_the_name_of_its_section() {
    let whole = read("gocore_etcd.hpp");
    let included: Vec<_> =
        whole.lines().filter_map(|line| line.strip_prefix("#include \"")?.strip_suffix('"')).collect();
    assert_eq!(included, parts());
    for part in parts() {
        let name = part.trim_start_matches("gocore_etcd/").trim_end_matches(".hpp");
        let section: PathBuf = root().join("ffi/src").join(format!("{name}.rs"));
        // The options of a put, which kv and lock share, are a file of their own where nothing may include in a circle.
        assert!(section.is_file() || name == "put", "{part}: there is no ffi/src/{name}.rs");
    }
}

/// The functions of a header: the text of each from its name to its body, and whether it stands where exceptions are.
fn functions(text: &str) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    let (mut throwing, mut at) = (false, 0);
    for line in text.split_inclusive('\n') {
        throwing = match line.trim_end() {
            "#if GOCORE_ETCD_HAS_EXCEPTIONS" => true,
            "#else" | "#endif" => false,
            _ => throwing,
        };
        let declares = line.split_once('(').filter(|(before, _)| {
            let before = before.trim();
            let is_statement = ["return", "} catch"].iter().any(|begin| before.starts_with(begin));
            before.contains(' ') && !before.contains(['=', '.', '#', '/']) && !is_statement
        });
        if let Some((before, _)) = declares {
            let name = before.rsplit([' ', '*', '&']).next().unwrap_or_default().to_owned();
            let head = text[at..].split(['{', ';']).next().unwrap_or_default().to_owned();
            found.push((name, head, throwing));
        }
        at += line.len();
    }
    found
}

#[test]
fn each_throwing_function_has_a_form_with_an_error_last_which_is_noexcept() {
    let mut pairs = 0;
    for part in parts().iter().filter(|part| !part.ends_with("/error.hpp") && !part.ends_with("/config.hpp")) {
        let functions = functions(&read(part));
        let plain: Vec<_> = functions.iter().filter(|(_, head, _)| head.contains("Error &error)")).collect();
        for (name, head, throwing) in &plain {
            assert!(!throwing, "{part}: {name} is there without exceptions too");
            assert!(head.split("Error &error)").nth(1).is_some_and(|end| end.contains("noexcept")), "{part}: {head}");
        }
        for (name, ..) in functions.iter().filter(|(_, _, throwing)| *throwing) {
            assert!(plain.iter().any(|(other, ..)| other == name), "{part}: {name} has no form with an Error");
            pairs += 1;
        }
    }
    assert!(pairs >= 15, "{pairs} pairs were found");
}

/// Functions of C, or the beginnings of their names, that C++ has no form of yet.
const NOT_YET: [&str; 0] = [];

/// And those that it needs none of: the number is a macro of the header.
const WITHOUT: [&str; 1] = ["gocore_etcd_abi_version"];

#[test]
fn every_function_of_c_has_its_form_in_cplusplus_or_is_named_as_owed() {
    let header = header();
    let classes: String = parts().iter().map(|part| read(part)).collect();
    // `gocore_etcd_lock_put` is no use of `gocore_etcd_lock`.
    let words: HashSet<_> = classes.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let functions: Vec<_> = declarations(&header).into_iter().map(|(name, _)| name).collect();
    let owed = |name: &str| NOT_YET.iter().find(|begins| name.starts_with(**begins));
    for name in functions.iter().filter(|name| !WITHOUT.contains(name)) {
        match owed(name) {
            Some(begins) => assert!(!words.contains(name), "{name} is there: take {begins} from NOT_YET"),
            None => assert!(words.contains(name), "{name} has no form in C++: write it, or name it in NOT_YET"),
        }
    }
    for begins in NOT_YET {
        assert!(functions.iter().any(|name| name.starts_with(begins)), "{begins}: there is no such function");
    }
}
