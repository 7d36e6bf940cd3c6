//! What pytest says about the installed wheel; the wheel on other interpreters; the sdist.

use std::env;
use std::path::Path;

use gocore_etcd_tests::python::{self, Python};
use gocore_etcd_tests::{Server, not_run, not_to_be_had};

use crate::{installed, pytest, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn the_installed_wheel_keeps_every_promise_that_pytest_knows() {
    let server = Server::plain().await;
    let (dir, python) = installed(&Python::of_machine());
    let place = python.output(["-c", "import gocore_etcd; print(gocore_etcd.__file__)"]).expect("it can be imported");
    assert!(place.contains("site-packages"), "{place}");
    tokio::task::block_in_place(|| pytest(&python, &server, dir.path(), &[]));
}

/// One wheel serves them all; what differs between them is how they end, and how asyncio does.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_wheel_serves_the_other_interpreters_of_the_machine() {
    let others = Python::others();
    if others.is_empty() {
        return not_to_be_had("the wheel on other Pythons", "this machine has one that it supports");
    }
    let server = Server::plain().await;
    for other in others {
        let (dir, python) = installed(&other);
        tokio::task::block_in_place(|| pytest(&python, &server, dir.path(), &[]));
    }
}

/// As a user's `pip install` does it from an sdist: only Rust, a C compiler and pip, no protoc on PATH.
#[tokio::test(flavor = "multi_thread")]
async fn the_sdist_installs_where_there_is_no_protoc() {
    if env::var_os("GOCORE_ETCD_SDIST").is_none() && !gocore_etcd_tests::skip::is_ci() {
        return not_run("the install from the sdist", "it builds everything anew: set GOCORE_ETCD_SDIST=1");
    }
    let dir = tempfile::tempdir().expect("a directory");
    let sdist = python::sdist(dir.path()).unwrap_or_else(|why| panic!("{why}"));
    let env = dir.path().join("env");
    let place = env.to_str().expect("text");
    Python::of_machine().run(["-m", "venv", place]).unwrap_or_else(|why| panic!("{why}"));
    let python = Python::at(&env.join("bin/python"));
    let mut install = python.command();
    install.args(["-m", "pip", "--disable-pip-version-check", "install", "--no-deps"]).arg(&sdist);
    // A place of its own, away from the clone and what cargo has built there, and without our own launcher of protoc.
    install.current_dir("/").env("PATH", without_protoc()).env_remove("PROTOC");
    install.env("CARGO_TARGET_DIR", dir.path().join("target"));
    succeed(install);
    python.run(["-c", "import gocore_etcd.aio"]).unwrap_or_else(|why| panic!("{why}"));
}

fn without_protoc() -> std::ffi::OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let has = |dir: &Path| dir.join("protoc").exists();
    env::join_paths(env::split_paths(&path).filter(|dir| !has(dir))).expect("it came from there")
}
