//! One lock for programs in Rust, C and C++: in processes of their own, by the same protocol.

use std::path::{Path, PathBuf};
use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig};
use gocore_etcd_tests::{Agent, Server};
use serde_json::json;

use crate::story::{compile, has_cplusplus, root};

const SOON: Duration = Duration::from_secs(15);

/// The agents' programs, by language.
fn programs() -> Vec<PathBuf> {
    let ours = |name| compile(&root().join("tests/agents/c").join(name).to_string_lossy());
    let mut programs = vec![Path::new(env!("CARGO_BIN_EXE_agent")).to_owned(), ours("agent.c")];
    programs.extend(has_cplusplus().then(|| ours("agent.cpp")));
    programs
}

async fn agent(program: &Path, server: &Server) -> Agent {
    let mut agent = Agent::spawn(program, ["/go-core", &server.endpoint()]);
    agent.expect("connected", SOON).await;
    agent
}

#[tokio::test]
async fn two_processes_of_each_language_lose_no_update() {
    const TURNS: u64 = 50;
    let server = Server::plain().await;
    let mut agents = Vec::new();
    for program in programs().iter().flat_map(|program| [program, program]) {
        agents.push(agent(program, &server).await);
    }
    for agent in &mut agents {
        let count = json!({"do": "count", "key": "k", "ttl_ms": 20000, "counter": "/counter", "turns": TURNS});
        agent.send(&count).expect("the agent listens");
    }
    for agent in &mut agents {
        agent.expect("counted", Duration::from_secs(180)).await;
    }
    let client = Client::connect(ClientConfig::new([server.endpoint()])).await.expect("connect");
    let sum = client.kv().get("/counter").await.expect("get").expect("counted");
    assert_eq!(String::from_utf8(sum.value).expect("a number"), (agents.len() as u64 * TURNS).to_string());
}

#[tokio::test]
async fn the_lock_goes_round_the_languages_each_with_a_higher_token() {
    let server = Server::plain().await;
    let mut agents = Vec::new();
    for program in programs() {
        agents.push(agent(&program, &server).await);
    }
    let lock = json!({"do": "lock", "key": "k", "ttl_ms": 20000});
    let mut token = 0;
    agents[0].send(&lock).expect("the agent listens");
    for n in 0..2 * agents.len() {
        let (owner, next) = (n % agents.len(), (n + 1) % agents.len());
        let held = agents[owner].expect("acquired", SOON).await;
        let higher = held.body["token"].as_i64().expect("a token");
        assert!(higher > token, "turn {n}");
        token = higher;
        agents[next].send(&lock).expect("the agent listens");
        agents[next].expect("waiting", SOON).await;
        agents[owner].send(&json!({"do": "unlock"})).expect("the agent listens");
        agents[owner].expect("unlocked", SOON).await;
    }
}

#[tokio::test]
async fn an_owner_that_slept_past_its_deadline_knows_it_at_its_first_look_in_every_language() {
    let server = Server::plain().await;
    for program in programs() {
        let (mut sleeper, mut next) = (agent(&program, &server).await, agent(&program, &server).await);
        let lock = json!({"do": "lock", "key": "k", "ttl_ms": 2000});
        sleeper.send(&lock).expect("the agent listens");
        sleeper.expect("acquired", SOON).await;
        sleeper.freeze();
        next.send(&lock).expect("the agent listens");
        next.expect("acquired", SOON).await;
        sleeper.thaw();
        sleeper.send(&json!({"do": "is_held"})).expect("the agent listens");
        let held = sleeper.expect("held", SOON).await;
        assert_eq!(held.body["held"], json!(false), "{}", program.display());
        sleeper.send(&json!({"do": "put", "key": "/guarded", "value": "late"})).expect("the agent listens");
        let refused = sleeper.expect("failed", SOON).await;
        assert_eq!(refused.body["kind"], json!("Lost"), "{}: etcd refuses what comes late", program.display());
        sleeper.expect("lost", SOON).await;
    }
}
