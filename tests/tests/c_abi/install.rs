//! The library as it is installed: found by pkg-config and by CMake, shared and static, wherever the tree is moved to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use gocore_etcd_tests::install::{STATIC_LIBS, install};
use gocore_etcd_tests::{Server, not_run};
use tempfile::TempDir;

use crate::story::{compiler, has_cplusplus, library, root, run, succeeded};

/// An installation, staged somewhere and moved to its place afterwards, as a package is.
struct Installed {
    dir: TempDir,
}

impl Installed {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let staged = dir.path().join("staged");
        install(&library("libgocore_etcd.so"), &library("libgocore_etcd.a"), &staged).expect("installs");
        fs::rename(&staged, dir.path().join("moved here")).expect("moved");
        Self { dir }
    }

    fn prefix(&self) -> PathBuf {
        self.dir.path().join("moved here")
    }

    /// What pkg-config says; where there is none, what the file says.
    fn flags(&self, args: &[&str]) -> Vec<String> {
        let files = self.prefix().join("lib/pkgconfig");
        let mut tool = Command::new("pkg-config");
        tool.args(args).args(["--cflags", "--libs", "gocore_etcd"]).env("PKG_CONFIG_PATH", &files);
        let said = match tool.output() {
            Ok(output) if output.status.success() => String::from_utf8(output.stdout).expect("text"),
            Ok(output) => panic!("{tool:?}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(_) => {
                not_run("pkg-config on gocore_etcd.pc", "there is none; the file was read by hand");
                return by_hand(&files.join("gocore_etcd.pc"), args.contains(&"--static"));
            }
        };
        // A space in a path comes behind a backslash.
        let said = said.trim().replace("\\ ", "\u{1}");
        said.split(' ').filter(|flag| !flag.is_empty()).map(|flag| flag.replace('\u{1}', " ")).collect()
    }

    /// The example in C, compiled with these flags.
    fn example(&self, name: &str, flags: &[String]) -> PathBuf {
        let program = self.dir.path().join(name);
        let mut gcc = compiler("gcc", "gnu11");
        // Its header is the installed one.
        let args: Vec<_> = gcc.get_args().take_while(|arg| *arg != "-I").map(ToOwned::to_owned).collect();
        gcc = Command::new("gcc");
        gcc.args(args).arg(root().join("examples/c/lock.c")).args(flags).arg("-o").arg(&program);
        gcc.arg(format!("-Wl,-rpath,{}", self.prefix().join("lib").display()));
        succeeded(gcc);
        program
    }
}

/// The flags of a `.pc` file, without pkg-config.
fn by_hand(file: &Path, is_static: bool) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the file");
    let here = file.parent().expect("a directory").display().to_string();
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).expect("the field").to_owned();
        let prefix = format!("{here}/../..");
        let flags = line.replace("${libdir}", "${prefix}/lib").replace("${includedir}", "${prefix}/include");
        flags.split(' ').map(|flag| flag.replace("${prefix}", &prefix)).collect::<Vec<_>>()
    };
    let private = if is_static { field("Libs.private") } else { Vec::new() };
    [field("Cflags"), field("Libs"), private].concat()
}

/// Whether a program loads the shared library.
fn loads_the_library(program: &Path) -> bool {
    let mut readelf = Command::new("readelf");
    readelf.args(["-d", "--wide"]).arg(program).env("LC_ALL", "C");
    String::from_utf8_lossy(&succeeded(readelf).stdout).contains("[libgocore_etcd.so.0]")
}

async fn holds_the_lock(program: PathBuf) {
    let server = Server::plain().await;
    let output = run(program, vec![server.endpoint()]).await;
    assert!(String::from_utf8_lossy(&output.stdout).contains("unlocked"), "{output:?}");
}

#[test]
fn everything_lies_where_the_tools_look_for_it() {
    let installed = Installed::new();
    let version = env!("CARGO_PKG_VERSION");
    let lib = installed.prefix().join("lib");
    // Over what is there, as an update does it.
    install(&library("libgocore_etcd.so"), &library("libgocore_etcd.a"), &installed.prefix()).expect("installs");
    assert_eq!(fs::read_link(lib.join("libgocore_etcd.so")).expect("a link"), Path::new("libgocore_etcd.so.0"));
    let full = format!("libgocore_etcd.so.{version}");
    assert_eq!(fs::read_link(lib.join("libgocore_etcd.so.0")).expect("a link"), Path::new(&full));
    assert!(fs::symlink_metadata(lib.join(full)).expect("the library").is_file());
    let files =
        ["lib/libgocore_etcd.a", "include/gocore_etcd.h", "include/gocore_etcd.hpp", "include/gocore_etcd/lock.hpp"];
    for file in files {
        assert!(installed.prefix().join(file).is_file(), "{file}");
    }
    let cmake = fs::read_to_string(lib.join("cmake/gocore_etcd/gocore_etcd-config.cmake")).expect("the package");
    assert!(!cmake.contains('@') && cmake.contains(&STATIC_LIBS.join(";")), "{cmake}");
    let left: Vec<_> = fs::read_dir(&lib).expect("lib").map(|entry| entry.expect("a file").file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{left:?}");
}

#[tokio::test]
async fn a_program_is_built_by_what_pkg_config_says() {
    let installed = Installed::new();
    let program = installed.example("shared", &installed.flags(&[]));
    assert!(loads_the_library(&program));
    holds_the_lock(program).await;
}

#[tokio::test]
async fn a_program_is_built_statically_with_the_libraries_that_are_listed() {
    let installed = Installed::new();
    let mut flags = installed.flags(&["--static"]);
    for name in STATIC_LIBS {
        assert!(flags.contains(&format!("-l{name}")), "{flags:?}");
    }
    for flag in flags.iter_mut().filter(|flag| *flag == "-lgocore_etcd") {
        *flag = "-l:libgocore_etcd.a".to_owned();
    }
    let program = installed.example("static", &flags);
    assert!(!loads_the_library(&program));
    holds_the_lock(program).await;
}

/// A project that uses the library under all its names, in C and where there is a compiler in C++.
fn project(dir: &Path, version: &str) -> Vec<&'static str> {
    let mut text = format!(
        "cmake_minimum_required(VERSION 3.16)\nproject(uses C)\nfind_package(gocore_etcd {version} REQUIRED)\n\
         add_executable(shared {0}/c/lock.c)\ntarget_link_libraries(shared gocore_etcd::gocore_etcd)\n\
         add_executable(static {0}/c/lock.c)\ntarget_link_libraries(static gocore_etcd::static)\n",
        root().join("examples").display()
    );
    let mut programs = vec!["shared", "static"];
    if has_cplusplus() {
        let example = root().join("examples/cpp/lock.cpp");
        text += &format!(
            "enable_language(CXX)\nset(CMAKE_CXX_STANDARD 17)\nadd_executable(classes {})\n\
             target_link_libraries(classes gocore_etcd::gocore_etcd)\n",
            example.display()
        );
        programs.push("classes");
    }
    fs::create_dir_all(dir).expect("a directory");
    fs::write(dir.join("CMakeLists.txt"), text).expect("written");
    programs
}

#[tokio::test]
async fn a_program_is_built_by_the_package_of_cmake() {
    if Command::new("cmake").arg("--version").output().is_err() {
        return not_run("the CMake package of the C library", "there is no cmake");
    }
    let installed = Installed::new();
    let configure = |source: &Path| {
        let mut cmake = Command::new("cmake");
        cmake.arg("-S").arg(source).arg("-B").arg(source.join("build"));
        cmake.arg(format!("-DCMAKE_PREFIX_PATH={}", installed.prefix().display()));
        cmake
    };
    let source = installed.dir.path().join("project");
    let programs = project(&source, "0.1");
    succeeded(configure(&source));
    let mut build = Command::new("cmake");
    build.arg("--build").arg(source.join("build"));
    succeeded(build);
    for name in programs {
        let program = source.join("build").join(name);
        assert_eq!(loads_the_library(&program), name != "static", "{name}");
        holds_the_lock(program).await;
    }

    for (name, version) in [("newer", "0.2"), ("older", "0.0"), ("other", "1.1")] {
        let source = installed.dir.path().join(name);
        project(&source, version);
        let output = configure(&source).output().expect("cmake runs");
        assert!(!output.status.success(), "{version} is not this version");
    }
}
