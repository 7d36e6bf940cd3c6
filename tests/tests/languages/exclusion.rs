//! One owner at a time, over processes, machines and languages.

use std::time::Duration;

use gocore_etcd_tests::agents::Program;
use gocore_etcd_tests::{Cluster, Server};
use serde_json::json;

use crate::story::{SOON, agent, ask, ask_lock, programs, rust};

const TTL: Duration = Duration::from_secs(20);

/// One process of each program adds one to an unguarded counter so many times, under one lock; the sum must be that of
/// their turns. The first endpoint of each is another one.
async fn processes_lose_no_update(programs: &[&Program], endpoints: &[String], turns: u64) {
    let (mut agents, mut endpoints) = (Vec::new(), endpoints.to_vec());
    for program in programs {
        endpoints.rotate_left(1);
        agents.push(agent(program, "/go-core", &endpoints).await);
    }
    let ttl_ms = TTL.as_millis() as u64;
    for agent in &mut agents {
        ask(agent, json!({"do": "count", "key": "k", "ttl_ms": ttl_ms, "counter": "/counter", "turns": turns}));
    }
    for agent in &mut agents {
        agent.expect("counted", Duration::from_secs(180)).await;
        ask(agent, json!({"do": "close"}));
        agent.expect("closed", SOON).await;
        assert!(agent.wait(SOON).await.success());
    }
    let etcd = etcd_client::Client::connect(endpoints, None).await.expect("connect");
    let answer = etcd.kv_client().get("/counter", None).await.expect("get");
    let sum = answer.kvs().first().expect("counted").value_str().expect("a number").to_owned();
    assert_eq!(sum, (programs.len() as u64 * turns).to_string());
}

#[tokio::test]
async fn eight_processes_with_two_hundred_turns_each_lose_no_update() {
    let server = Server::plain().await;
    processes_lose_no_update(&[rust(); 8], &[server.endpoint()], 200).await;
}

#[tokio::test]
async fn two_processes_of_each_language_lose_no_update() {
    let two_of_each: Vec<_> = programs().iter().chain(programs()).collect();
    let server = Server::plain().await;
    processes_lose_no_update(&two_of_each, &[server.endpoint()], 40).await;
}

#[tokio::test]
async fn processes_that_reach_different_members_exclude_each_other() {
    let each: Vec<_> = programs().iter().collect();
    let cluster = Cluster::start(3).await;
    processes_lose_no_update(&each, &cluster.endpoints(), 40).await;
}

#[tokio::test]
async fn the_lock_goes_round_the_languages_each_with_a_higher_token() {
    let (programs, server) = (programs(), Server::plain().await);
    let mut agents = Vec::new();
    for program in programs {
        agents.push(agent(program, "/go-core", &[server.endpoint()]).await);
    }
    let mut token = 0;
    ask_lock(&mut agents[0], TTL);
    for n in 0..2 * agents.len() {
        let (owner, next) = (n % agents.len(), (n + 1) % agents.len());
        let held = agents[owner].expect("acquired", SOON).await;
        let higher = held.body["token"].as_i64().expect("a token");
        assert!(higher > token, "{:?} has {higher} after {token}", programs[owner].language);
        token = higher;
        if next != owner {
            ask_lock(&mut agents[next], TTL);
            agents[next].expect("waiting", SOON).await;
        }
        ask(&mut agents[owner], json!({"do": "unlock"}));
        agents[owner].expect("unlocked", SOON).await;
    }
}
