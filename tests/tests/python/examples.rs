//! The examples run as they stand, from the installed wheel.

use std::path::Path;
use std::process::Stdio;

use gocore_etcd_tests::Server;
use gocore_etcd_tests::python::Python;

use crate::installed;

/// What an example says, line by line, without what comes after " with ".
fn told(dir: &Path, python: &Python, server: &Server, name: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python").join(name);
    let mut example = python.command();
    // An unclosed client, or anything else that Python would warn of, fails it.
    example.current_dir(dir).args(["-X", "dev", "-W", "error"]).arg(program).arg(server.endpoint());
    let output = example.stderr(Stdio::piped()).output().expect("python runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    // In development mode asyncio tells of every step over 100 ms: that is about the machine.
    let complaints = String::from_utf8_lossy(&output.stderr);
    let about_machine = |line: &str| line.starts_with("Executing <") && line.contains(" took ");
    assert!(complaints.lines().all(about_machine), "{name}: {complaints}");
    let told = String::from_utf8_lossy(&output.stdout);
    told.lines().map(|line| line.split(" with ").next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_example_of_the_lock_tells_its_story() {
    let server = Server::plain().await;
    let (dir, python) = installed(&Python::of_machine());
    for name in ["lock.py", "lock_async.py"] {
        let told = told(dir.path(), &python, &server, name);
        assert_eq!(told[..2], ["waiting for the lock", "holding /go-core/locks/jobs/report"], "{name}");
        assert!(told[2].starts_with("the report was written at revision "), "{name}: {}", told[2]);
        assert_eq!(told[3..], ["unlocked"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_example_of_an_election_tells_its_story() {
    let server = Server::plain().await;
    let (dir, python) = installed(&Python::of_machine());
    for name in ["election.py", "election_async.py"] {
        // Leader and observer know of each other from etcd alone. The leader is done after a second, in which the observer
        // of a busy machine may not have had its turn.
        let mut attempts = (0..5).map(|_| told(dir.path(), &python, &server, name));
        let told =
            attempts.find(|told| told.iter().any(|line| line.ends_with(" leads"))).expect("the observer sees it");
        let seen = |line: &&String| line.starts_with("process ") || *line == "nobody leads";
        let done: Vec<_> = told.iter().filter(|line| !seen(line)).collect();
        assert_eq!(done[0], "leading", "{name}");
        assert!(done[1].starts_with("the report was written at revision "), "{name}: {told:?}");
        assert_eq!(done[2..], ["resigned"], "{name}");
    }
}
