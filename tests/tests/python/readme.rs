//! The README's programs run as they stand, from the installed wheel.

use std::fs;
use std::path::Path;

use gocore_etcd_tests::Server;
use gocore_etcd_tests::python::Python;

use crate::{installed, succeed};

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_programs_take_the_lock_and_write() {
    let server = Server::plain().await;
    let (dir, python) = installed(&Python::of_machine());
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).expect("the README");
    let blocks: Vec<_> = readme.split("```python\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 2, "blocking and asyncio");
    for (block, key) in blocks.into_iter().zip(["/apps/billing/cleanup/last", "/go-core/cleanup/last"]) {
        let mut run = python.command();
        run.current_dir(dir.path()).args(["-X", "dev", "-W", "error", "-c"]);
        run.arg(block.replace("127.0.0.1:2379", &server.endpoint()));
        succeed(run);
        let written = server.client().await.kv_client().get(key, None).await.expect("get");
        assert_eq!(written.kvs().len(), 1, "{key}");
    }
}
