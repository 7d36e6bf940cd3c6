//! The header: it compiles alone, and with everything in it used, as every C and C++ it promises.

use std::path::{Path, PathBuf};
use std::process::Command;

use gocore_etcd_tests::not_run;

use crate::story::{compiler, has_cplusplus, library, root, succeeded};

const STANDARDS: [(&str, &str, &str); 6] = [
    ("gcc", "c99", "c"),
    ("gcc", "c11", "c"),
    ("gcc", "c17", "c"),
    ("g++", "c++11", "cpp"),
    ("g++", "c++17", "cpp"),
    ("g++", "c++20", "cpp"),
];

pub(crate) fn header() -> String {
    std::fs::read_to_string(root().join("include/gocore_etcd.h")).expect("it is committed")
}

/// The functions it declares, each with its whole declaration.
pub(crate) fn declarations(header: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in header.split_inclusive('\n') {
        let declares =
            !line.starts_with([' ', '/', '#', '}']) && !line.starts_with("typedef") && !line.starts_with("enum");
        if let (true, Some((before, _))) = (declares, line.split_once('(')) {
            let name = before.rsplit([' ', '*']).next().unwrap_or_default();
            found.push((name, header[at..].split(';').next().unwrap_or_default()));
        }
        at += line.len();
    }
    found
}

fn functions(header: &str) -> Vec<&str> {
    declarations(header).into_iter().map(|(name, _)| name).collect()
}

/// What wire.md allows to be promised, and the README says: no surface may promise more.
#[test]
fn lock_and_election_are_promised_under_all_their_conditions() {
    let whole = |text: &str| text.replace('*', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let readme = whole(&std::fs::read_to_string(root().join("README.md")).expect("the README"));
    let text = header();
    for title in ["Lock", "Election"] {
        let section = text.split_once(&format!("==\n * {title}\n")).expect("a section").1;
        let section = whole(section.split_once("*/").expect("its end").0);
        for condition in [
            "clocks run at the same rate within the margin",
            "the server keeps its leases: no revoke, delete or restore by hand",
            "3.4.38, 3.5.23, 3.6.5",
            "until the cluster is restored from a backup",
        ] {
            assert!(section.contains(condition), "{title}: {condition}: {section}");
            assert!(readme.contains(condition), "README: {condition}");
        }
    }
}

/// A program of nothing but uses: each `_INIT` macro makes its struct, each other macro a number, each function is called
/// for by its address.
fn uses_everything(header: &str) -> String {
    let mut text = "#include <gocore_etcd.h>\nint main(void)\n{\n    int used = 0;\n".to_owned();
    for name in header.lines().filter_map(|line| line.strip_prefix("#define ")?.split(' ').next()) {
        if let Some(of) = name.strip_suffix("_INIT") {
            let of = of.to_lowercase();
            text += &format!("    {{ {of} value = {name}; used += value.struct_size == sizeof value; }}\n");
        } else if name != "GOCORE_ETCD_H" {
            text += &format!("    used += {name} - {name} == 0;\n");
        }
    }
    for status in header.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name) {
        if status.starts_with("GOCORE_ETCD_STATUS_") {
            text += &format!("    {{ gocore_etcd_status status = {status}; used += status >= 0; }}\n");
        }
    }
    for function in functions(header) {
        text += &format!("    used += {function} != 0;\n");
    }
    text + "    return used == 0;\n}\n"
}

/// Compiles a text, under one standard.
pub(crate) fn compiles(mut compiler: Command, dir: &Path, extension: &str, text: &str) {
    let source = dir.join(format!("source.{extension}"));
    std::fs::write(&source, text).expect("written");
    // A function's address is never null; that is what is used of it.
    compiler.current_dir(dir).args(["-Wno-address", "-c", "-o", "source.o"]).arg(source);
    succeeded(compiler);
}

#[test]
fn it_compiles_alone_and_wholly_used_under_every_standard() {
    let (header, dir) = (header(), tempfile::tempdir().expect("a directory"));
    assert!(functions(&header).len() > 50, "the functions were found");
    let cplusplus = has_cplusplus();
    for (program, standard, extension) in STANDARDS.into_iter().filter(|(program, ..)| cplusplus || *program != "g++") {
        let alone = "#include <gocore_etcd.h>\nint main(void);\n";
        compiles(compiler(program, standard), dir.path(), extension, alone);
        compiles(compiler(program, standard), dir.path(), extension, &uses_everything(&header));
    }
}

/// A compiler that really has C23: one of the system's, or the clang inside PyPI's ziglang, in an environment of its own.
fn c23_compiler(dir: &Path) -> Option<Vec<String>> {
    let really = |program: &[String]| {
        let probe = dir.join("probe.c");
        let text = "#if __STDC_VERSION__ < 202311L\n#error not C23\n#endif\nint main(void) { return 0; }\n";
        std::fs::write(&probe, text).expect("written");
        let mut command = Command::new(&program[0]);
        command.current_dir(dir).args(&program[1..]).args(["-std=c23", "-c", "-o", "probe.o"]).arg(&probe);
        command.output().is_ok_and(|output| output.status.success())
    };
    let system = ["gcc", "clang"].map(|name| vec![name.to_owned()]).into_iter().find(|program| really(program));
    system.or_else(|| ziglang(&root().join("target/ziglang")).filter(|program| really(program)))
}

fn ziglang(venv: &PathBuf) -> Option<Vec<String>> {
    let python = venv.join("bin/python");
    let runs = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !runs(Command::new(&python).args(["-c", "import ziglang"])) {
        let made = runs(Command::new("python3").args(["-m", "venv"]).arg(venv));
        if !(made && runs(Command::new(&python).args(["-m", "pip", "install", "--quiet", "ziglang"]))) {
            return None;
        }
    }
    Some([&*python.to_string_lossy(), "-m", "ziglang", "cc"].map(str::to_owned).to_vec())
}

#[test]
fn it_compiles_as_c23() {
    let (header, dir) = (header(), tempfile::tempdir().expect("a directory"));
    let Some(program) = c23_compiler(dir.path()) else {
        return not_run("the C header as C23", "no compiler here has it, and PyPI's ziglang could not be installed");
    };
    let mut compiler = compiler(&program[0], "c23");
    if let [_, args @ ..] = &program[..] {
        let strict: Vec<_> = compiler.get_args().map(ToOwned::to_owned).collect();
        compiler = Command::new(&program[0]);
        compiler.args(args).args(strict);
    }
    compiles(compiler, dir.path(), "c", &uses_everything(&header));
}

#[test]
fn the_library_exports_what_the_header_declares_and_needs_only_the_system() {
    let mut nm = Command::new("nm");
    nm.args(["-D", "--defined-only", "--format=posix"]).arg(library("libgocore_etcd.so"));
    let symbols = String::from_utf8(succeeded(nm).stdout).expect("text");
    let mut exported: Vec<_> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    exported.sort_unstable();
    let header = header();
    let mut declared = functions(&header);
    declared.sort_unstable();
    assert_eq!(exported, declared);
    let listed = std::fs::read_to_string(root().join("ffi/abi/symbols.txt")).expect("it is committed");
    assert_eq!(listed.lines().collect::<Vec<_>>(), declared);

    let mut readelf = Command::new("readelf");
    readelf.args(["-d", "--wide"]).arg(library("libgocore_etcd.so")).env("LC_ALL", "C");
    let dynamic = String::from_utf8(succeeded(readelf).stdout).expect("text");
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    for line in needed {
        let allowed = ["[libc.so", "[libm.so", "[libgcc_s.so", "[ld-linux"];
        assert!(allowed.iter().any(|name| line.contains(name)), "{line}");
    }
    assert!(dynamic.contains("soname: [libgocore_etcd.so.0]") && dynamic.contains("NODELETE"), "{dynamic}");
}
