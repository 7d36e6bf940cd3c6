//! What pytest says about the installed wheel; the wheel on other interpreters.

use gocore_etcd_tests::python::Python;
use gocore_etcd_tests::{Server, not_to_be_had};

use crate::{installed, pytest};

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
