//! The examples do what they say, against a real etcd.

use std::process::Stdio;
use std::time::Duration;

use gocore_etcd_tests::{Server, eventually};
use tokio::process::Command;

const SOON: Duration = Duration::from_secs(20);

fn start(program: &str, server: &Server) -> Command {
    let mut command = Command::new(program);
    command.arg(server.endpoint()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a program has said, once it has ended well.
async fn told(mut command: Command) -> Vec<String> {
    let output = tokio::time::timeout(SOON, command.output()).await.expect("it ends").expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_example_of_a_lock_gives_back_what_it_had() {
    let server = Server::plain().await;
    let told = told(start(env!("CARGO_BIN_EXE_lock"), &server)).await;
    assert_eq!(told.last().map(String::as_str), Some("unlocked"));
    assert_eq!(server.metrics().await.requests_of("LeaseRevoke"), 1);
}

#[tokio::test]
async fn the_example_of_an_election_leads_and_sees_that_it_does() {
    let server = Server::plain().await;
    let told = told(start(env!("CARGO_BIN_EXE_election"), &server)).await;
    let said = |words: &str| told.iter().any(|line| line.contains(words));
    assert!(said("leading with fencing token"), "{told:?}");
    assert!(said(" leads with token "), "{told:?}");
    assert!(said("the report was written at revision "), "{told:?}");
    assert_eq!(server.metrics().await.requests_of("LeaseRevoke"), 1, "it gave back what it had");
}

#[tokio::test]
async fn the_example_of_a_watch_tells_of_each_change() {
    let server = Server::plain().await;
    let mut kv = server.client().await.kv_client();
    kv.put("/go-core/flags/old", "on", None).await.expect("put");
    let program = tokio::spawn(told(start(env!("CARGO_BIN_EXE_watch"), &server)));
    let watched = async || (server.metrics().await.watchers() > 0).then_some(());
    eventually(SOON, "it watches", watched).await;
    kv.put("/go-core/flags/new", "on", None).await.expect("put");
    kv.delete("/go-core/flags/old", None).await.expect("delete");
    kv.put("/go-core/flags/end", "", None).await.expect("put");
    let told = program.await.expect("no panic");
    let changes = ["/go-core/flags/new = on", "/go-core/flags/old is gone", "/go-core/flags/end = "];
    assert_eq!(told.iter().filter(|line| line.contains("/flags/")).collect::<Vec<_>>(), changes, "{told:?}");
    assert!(told.contains(&"flags: 1".to_owned()), "{told:?}");
}
