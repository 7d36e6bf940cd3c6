use std::process::Command;
use std::time::{Duration, Instant};

use gocore_etcd_tests::{Agent, Server};
use serde_json::json;

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_agent_takes_commands_and_reports_events() {
    let mut agent = Agent::spawn("cat", [""; 0]);
    agent.send(&json!({"event": "first", "n": 1})).unwrap();
    agent.send(&json!({"event": "second", "n": 2})).unwrap();
    assert_eq!(agent.expect("second", LONG).await.body["n"], 2);
    agent.freeze();
    agent.send(&json!({"event": "third"})).unwrap();
    assert!(tokio::time::timeout(Duration::from_millis(100), agent.expect("third", LONG)).await.is_err());
    agent.thaw();
    agent.expect("third", LONG).await;
    assert_eq!(agent.next().await.unwrap().name(), "first", "what was passed over is still there");
    agent.close_stdin();
    assert!(agent.wait(LONG).await.success());
    assert_eq!(agent.next().await, None);
}

/// Not a test by itself: what the next test runs in a process of its own, to kill it.
#[tokio::test]
#[ignore = "it waits to be killed"]
async fn starts_a_server_and_waits() {
    let server = Server::plain().await;
    println!("{}", json!({"event": "started", "endpoint": server.address().to_string()}));
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn nothing_is_left_behind_when_the_test_process_is_killed() {
    let me = std::env::current_exe().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(me);
    command.args(["process::starts_a_server_and_waits", "--exact", "--ignored", "--nocapture"]);
    // Files do stay behind: they are ours to remove.
    command.env("TMPDIR", dir.path());
    let mut agent = Agent::spawn_command(command);
    let started = agent.expect("started", Duration::from_secs(60)).await;
    let address = started.body["endpoint"].as_str().unwrap();
    std::net::TcpStream::connect(address).expect("it runs");
    agent.kill();
    let begun = Instant::now();
    while std::net::TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < LONG, "the server outlived its test process");
        std::thread::yield_now();
    }
}
