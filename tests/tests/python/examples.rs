//! The examples run as they stand, from the installed wheel.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gocore_etcd_tests::python::Python;
use gocore_etcd_tests::{Server, eventually};
use tokio::time::timeout;

use crate::installed;

/// On a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an example says, line by line, without what comes after " with ".
async fn told(dir: &Path, python: &Python, endpoint: &str, name: &str) -> Vec<String> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/python").join(name);
    let mut example = python.command();
    // An unclosed client, or anything else that Python would warn of, fails it.
    example.current_dir(dir).args(["-X", "dev", "-W", "error"]).arg(program).arg(endpoint);
    let mut example = tokio::process::Command::from(example);
    let output = example.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).output();
    let output =
        timeout(PATIENCE, output).await.unwrap_or_else(|_| panic!("{name} does not end")).expect("python runs");
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
        let told = told(dir.path(), &python, &server.endpoint(), name).await;
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
        let mut attempts = 0;
        let told = loop {
            let told = told(dir.path(), &python, &server.endpoint(), name).await;
            attempts += 1;
            if told.iter().any(|line| line.ends_with(" leads")) {
                break told;
            }
            assert!(attempts < 5, "the observer sees it: {told:?}");
        };
        let seen = |line: &&String| line.starts_with("process ") || *line == "nobody leads";
        let done: Vec<_> = told.iter().filter(|line| !seen(line)).collect();
        assert_eq!(done[0], "leading", "{name}");
        assert!(done[1].starts_with("the report was written at revision "), "{name}: {told:?}");
        assert_eq!(done[2..], ["resigned"], "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_example_of_a_watch_tells_of_each_change() {
    let (dir, python) = installed(&Python::of_machine());
    for name in ["watch.py", "watch_async.py"] {
        let server = Server::plain().await;
        let mut kv = server.client().await.kv_client();
        kv.put("/go-core/flags/old", "on", None).await.expect("put");
        let (place, python, endpoint) = (dir.path().to_owned(), python.clone(), server.endpoint());
        let program = tokio::spawn(async move { told(&place, &python, &endpoint, name).await });
        let watched = async || (server.metrics().await.watchers() > 0).then_some(());
        eventually(PATIENCE, "it watches", watched).await;
        kv.put("/go-core/flags/new", "on", None).await.expect("put");
        kv.delete("/go-core/flags/old", None).await.expect("delete");
        kv.put("/go-core/flags/end", "", None).await.expect("put");
        let told = program.await.expect("it ends well");
        let changes = ["/go-core/flags/new = on", "/go-core/flags/old is gone", "/go-core/flags/end = "];
        assert_eq!(told.iter().filter(|line| line.contains("/flags/")).collect::<Vec<_>>(), changes, "{told:?}");
        assert!(told.contains(&"flags: 1".to_owned()), "{told:?}");
    }
}
