//! The C and C++ programs under AddressSanitizer, with a library that is instrumented too: what memcheck cannot see
//! (stack, globals, use after scope), and the walk over all functions, which is too long for it.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use gocore_etcd_tests::cargo::as_from_a_shell;
use gocore_etcd_tests::{Server, not_run};

use crate::programs::handling_memory;
use crate::story::{compile_with, root, run, succeeded};
use crate::walk;

const HOST: &str = "x86_64-unknown-linux-gnu";

/// Why it cannot be done here.
fn missing() -> Option<&'static str> {
    let says = |program: &str, args: &[&str], needle: &str| {
        let output = Command::new(program).args(args).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(needle))
    };
    if !cfg!(all(target_arch = "x86_64", target_os = "linux", target_env = "gnu")) {
        return Some("this machine's kind is not one that this test knows");
    }
    if !says("rustup", &["toolchain", "list"], "nightly") {
        return Some("there is no nightly toolchain of Rust");
    }
    // Without its library gcc gives the name back as it is.
    (!says("gcc", &["-print-file-name=libasan.so"], "/")).then_some("gcc has no libasan")
}

/// A directory with the instrumented library, built beside the ordinary one.
fn sanitized() -> PathBuf {
    let program = std::env::current_exe().expect("our own path");
    let target = program.ancestors().nth(3).expect("it lies in target/debug/deps").join("asan");
    let mut build = Command::new("rustup");
    build.current_dir(root()).args(["run", "nightly", "cargo", "build", "--quiet", "--locked"]);
    build.args(["--package", "gocore-etcd-ffi", "--target", HOST, "--target-dir"]).arg(&target);
    as_from_a_shell(&mut build).env("RUSTFLAGS", "-Zsanitizer=address");
    succeeded(build);
    let dir = target.join("lib");
    std::fs::create_dir_all(&dir).expect("a directory");
    for name in ["libgocore_etcd.so", "libgocore_etcd.so.0"] {
        drop(std::fs::remove_file(dir.join(name)));
        symlink(target.join(HOST).join("debug/libgocore_etcd.so"), dir.join(name)).expect("a link");
    }
    let mut nm = Command::new("nm");
    nm.args([OsStr::new("-D"), dir.join("libgocore_etcd.so").as_os_str()]);
    assert!(String::from_utf8_lossy(&succeeded(nm).stdout).contains("__asan_report_load"), "it is instrumented");
    dir
}

#[tokio::test]
async fn address_sanitizer_finds_nothing_in_the_programs_and_in_the_library() {
    if let Some(why) = missing() {
        return not_run("AddressSanitizer over the C programs", why);
    }
    let server = Server::plain().await;
    let dir = tokio::task::spawn_blocking(sanitized).await.expect("builds");
    let walk = walk::source();
    let (search, rpath) = (format!("-L{}", dir.display()), format!("-Wl,-rpath,{}", dir.display()));
    for program in handling_memory().into_iter().chain([walk.to_str().expect("text")]) {
        // Found before the ordinary one.
        let args = ["-fsanitize=address", "-fno-omit-frame-pointer", &search, &rpath];
        run(compile_with(program, &args), vec![server.endpoint()]).await;
    }
}
