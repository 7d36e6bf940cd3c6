//! The programs of both READMEs run as they stand, from the installed wheel.

use std::fs;
use std::path::Path;

use gocore_etcd_tests::Server;
use gocore_etcd_tests::python::Python;

use crate::{installed, succeed};

/// The programs in Python of this document, with their endpoint.
fn programs(document: &str, endpoint: &str) -> Vec<String> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(document)).expect("it is there");
    let blocks = text.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(|block| block.replace("127.0.0.1:2379", endpoint)).collect()
}

/// Runs each to its end; what Python warns of fails it.
fn run(programs: Vec<String>) {
    let (dir, python) = installed(&Python::of_machine());
    for program in programs {
        let mut run = python.command();
        run.current_dir(dir.path()).args(["-X", "dev", "-W", "error", "-c", &program]);
        succeed(run);
    }
}

async fn has(server: &Server, keys: &[&str]) {
    for key in keys {
        let written = server.client().await.kv_client().get(*key, None).await.expect("get");
        assert_eq!(written.kvs().len(), 1, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_programs_take_the_lock_and_write() {
    let server = Server::plain().await;
    let programs = programs("README.md", &server.endpoint());
    assert_eq!(programs.len(), 2, "blocking and asyncio");
    run(programs);
    has(&server, &["/apps/billing/cleanup/last", "/go-core/cleanup/last"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_programs_of_the_packages_readme_lock_lead_and_watch() {
    let server = Server::plain().await;
    let programs = programs("python/README.md", &server.endpoint());
    assert_eq!(programs.len(), 4, "a lock, in asyncio too, an election, a watch");
    run(programs);
    has(&server, &["/go-core/cleanup/last-run", "/go-core/scheduler/at", "/go-core/scheduler/done", "/flags/dark"])
        .await;
}
