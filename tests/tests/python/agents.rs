//! Programs in Python, blocking and asyncio, among programs in Rust: one owner at a time, lost before given away.

use std::path::Path;
use std::time::Duration;

use etcd_client::{EventType, WatchOptions};
use gocore_etcd_core::{Client, ClientConfig};
use gocore_etcd_tests::clock::boottime;
use gocore_etcd_tests::python::Python;
use gocore_etcd_tests::{Agent, Etcd, Proxy, Server, not_judged};
use serde_json::json;

use crate::installed;

const SOON: Duration = Duration::from_secs(30);
const PROGRAMS: [&str; 2] = ["agent.py", "agent_async.py"];

async fn spawn(python: &Python, program: &str, prefix: &str, endpoint: &str) -> Agent {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/tests").join(program);
    let mut command = python.command();
    command.args(["-X", "dev"]).arg(path).args([prefix, endpoint]);
    connected(Agent::spawn_command(command)).await
}

async fn connected(mut agent: Agent) -> Agent {
    agent.expect("connected", SOON).await;
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_each_of_rust_python_and_asyncio_lose_no_update() {
    const TURNS: u64 = 25;
    let server = Server::plain().await;
    let (_dir, python) = installed(&Python::of_machine());
    let mut agents = Vec::new();
    for _ in 0..2 {
        let args = ["/go-core", &server.endpoint()];
        agents.push(connected(Agent::spawn(env!("CARGO_BIN_EXE_agent"), args)).await);
        for program in PROGRAMS {
            agents.push(spawn(&python, program, "/go-core", &server.endpoint()).await);
        }
    }
    let count = json!({"do": "count", "key": "k", "ttl_ms": 20_000, "counter": "/counter", "turns": TURNS});
    for agent in &mut agents {
        agent.send(&count).expect("the agent listens");
    }
    for agent in &mut agents {
        agent.expect("counted", Duration::from_secs(180)).await;
        agent.send(&json!({"do": "close"})).expect("the agent listens");
        agent.expect("closed", SOON).await;
        assert!(agent.wait(SOON).await.success());
    }
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let sum = client.kv().get("/counter").await.expect("get").expect("counted");
    assert_eq!(String::from_utf8_lossy(&sum.value), (6 * TURNS).to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_lost_in_python_before_the_server_gives_it_away() {
    let server = Server::plain().await;
    let (_dir, python) = installed(&Python::of_machine());
    for program in PROGRAMS {
        let proxy = Proxy::start(server.address());
        let prefix = format!("/lost-{program}");
        let options = WatchOptions::new().with_prefix();
        let queue = format!("{prefix}/locks/k/");
        let mut watch = server.client().await.watch_client().watch(queue, Some(options)).await.expect("watch");
        let mut agent = spawn(&python, program, &prefix, &proxy.endpoint()).await;
        agent.send(&json!({"do": "lock", "key": "k", "ttl_ms": 2_000})).expect("the agent listens");
        agent.expect("acquired", SOON).await;
        proxy.black_hole();
        let lost = agent.expect("lost", SOON).await.body["at_ns"].as_u64().expect("at_ns");
        let deleted = loop {
            let message = watch.message().await.expect("the healthy path").expect("the watch goes on");
            if message.events().iter().any(|event| event.event_type() == EventType::Delete) {
                break boottime().as_nanos() as u64;
            }
        };
        println!("{program}: lost {} ms before it was deleted", (deleted as i64 - lost as i64) / 1_000_000);
        if !Etcd::find().has_lease_fixes() {
            not_judged("lost in time, Python", "this etcd lacks the lease fixes");
        } else {
            assert!(lost < deleted, "{program}: known as lost before somebody else can have it");
        }
        // The next has it, and what the first still sends is refused.
        proxy.pass();
        agent.send(&json!({"do": "put", "key": "/late", "value": "x"})).expect("the agent listens");
        let refused = agent.expect("failed", SOON).await;
        assert_eq!(refused.body["kind"], "Lost", "{refused:?}");
        agent.kill();
    }
}
