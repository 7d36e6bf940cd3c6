//! The example does what it says, against a real etcd.

use std::process::Command;

use gocore_etcd_tests::Server;

#[tokio::test(flavor = "multi_thread")]
async fn the_lock_example_runs() {
    let server = Server::plain().await;
    let run = tokio::task::spawn_blocking(move || {
        let output = Command::new(env!("CARGO_BIN_EXE_lock")).arg(server.endpoint()).output();
        (server, output)
    });
    let (server, output) = run.await.expect("no panic");
    let output = output.expect("it runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(server.metrics().await.requests_of("LeaseRevoke"), 1, "it gave back what it had");
}
