//! The examples run as they stand, from the installed wheel.

use std::path::Path;
use std::process::Stdio;

use gocore_etcd_tests::Server;
use gocore_etcd_tests::python::Python;

use crate::installed;

#[tokio::test(flavor = "multi_thread")]
async fn each_example_tells_its_story() {
    let server = Server::plain().await;
    let (dir, python) = installed(&Python::of_machine());
    for name in ["lock.py", "lock_async.py"] {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python").join(name);
        let mut example = python.command();
        // An unclosed client, or anything else that Python would warn of, fails it.
        example.current_dir(dir.path()).args(["-X", "dev", "-W", "error"]).arg(program).arg(server.endpoint());
        let output = example.stderr(Stdio::piped()).output().expect("python runs");
        let told = String::from_utf8_lossy(&output.stdout);
        let told: Vec<_> = told.lines().map(|line| line.split(" with ").next().unwrap_or_default()).collect();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(told[..2], ["waiting for the lock", "holding /go-core/locks/jobs/report"], "{name}");
        assert!(told[2].starts_with("the report was written at revision "), "{name}: {}", told[2]);
        assert_eq!(told[3..], ["unlocked"], "{name}");
    }
}
