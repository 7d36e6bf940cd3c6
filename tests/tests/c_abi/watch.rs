//! A watch in C over every fault: a program in a process of its own says what it is told, and here the picture that
//! makes of it is held against the store.

use std::collections::BTreeMap;
use std::time::Duration;

use etcd_client::Permission;
use gocore_etcd_core::{Client, ClientConfig, ErrorKind, Range};
use gocore_etcd_tests::process::Event;
use gocore_etcd_tests::{Agent, Auth, Proxy, Server, ServerOptions, eventually};
use serde_json::{Value, json};

use crate::story::{compile, has_cplusplus, root};

const SOON: Duration = Duration::from_secs(20);

/// The program, and what its user makes of what it says.
struct Watcher {
    agent: Agent,
    keys: BTreeMap<String, i64>,
    revision: i64,
    snapshots: u32,
    /// What it was told last, and how often that etcd is away.
    connected: bool,
    interruptions: u32,
    /// The status of each problem it was told of.
    problems: Vec<i64>,
}

impl Watcher {
    async fn start(endpoint: String, more: &[&str]) -> Self {
        let args = ["/w/", endpoint.as_str()].iter().chain(more).map(ToString::to_string).collect::<Vec<_>>();
        let mut agent = Agent::spawn(compile("watch_agent.c"), args);
        agent.expect("watching", SOON).await;
        Self {
            agent,
            keys: BTreeMap::new(),
            revision: 0,
            snapshots: 0,
            connected: false,
            interruptions: 0,
            problems: Vec::new(),
        }
    }

    async fn next(&mut self) {
        let event = tokio::time::timeout(SOON, self.agent.next()).await.expect("an update").expect("the program lives");
        self.take(&event);
    }

    fn take(&mut self, event: &Event) {
        let revision = event.body["revision"].as_i64().expect("a revision");
        let keys =
            event.body["keys"].as_array().expect("keys").iter().map(
                |pair| match &pair.as_array().expect("a pair")[..] {
                    [Value::String(key), revision] => (key.clone(), revision.as_i64().expect("a revision")),
                    _ => panic!("{event:?}"),
                },
            );
        match event.name() {
            "snapshot" => {
                self.keys = keys.collect();
                self.snapshots += 1;
            }
            "changes" => {
                assert!(revision > self.revision, "{revision} after {}: in order, and none twice", self.revision);
                self.keys.extend(keys);
                self.keys.retain(|_, revision| *revision != 0);
            }
            "connected" => {
                self.connected = event.body["connected"] == json!(true);
                self.interruptions += u32::from(!self.connected);
                return;
            }
            "problem" => {
                self.problems.extend(event.body["problem"].as_i64());
                return;
            }
            _ => panic!("{event:?}"),
        }
        self.revision = revision;
    }

    async fn until(&mut self, key: &str) {
        while !self.keys.contains_key(key) {
            self.next().await;
        }
    }

    async fn assert_true(&self, client: &Client) {
        let listing = client.kv().list(Range::prefix("/w/")).await.expect("list");
        let text = |key| String::from_utf8(key).expect("our keys are text");
        let truth: BTreeMap<_, _> = listing.kvs.into_iter().map(|kv| (text(kv.key), kv.mod_revision)).collect();
        assert_eq!(self.keys, truth);
    }

    /// Closes it, and sees its `user_free` exactly once, before that has returned.
    async fn close(mut self) {
        self.agent.send(&json!({"do": "close"})).expect("the program listens");
        let mut freed = 0;
        loop {
            let event = tokio::time::timeout(SOON, self.agent.next()).await.expect("its end").expect("said");
            match event.name() {
                "freed" => freed += 1,
                "closed" => break,
                _ => assert_eq!(freed, 0, "nothing after user_free: {event:?}"),
            }
        }
        assert_eq!(freed, 1);
    }
}

async fn client(endpoint: impl Into<String>) -> Client {
    Client::connect(ClientConfig::new([endpoint.into()])).await.expect("connect")
}

#[tokio::test]
async fn a_watch_in_c_goes_on_where_it_was_when_connections_break_and_the_server_restarts() {
    let mut server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let writing = client(server.endpoint()).await;
    let mut watcher = Watcher::start(proxy.endpoint(), &[]).await;
    let writer = tokio::spawn({
        let writing = writing.clone();
        async move {
            for n in 0..400u32 {
                let key = format!("/w/{}", n % 20);
                // A write that failed may have been applied; the picture is compared with what there is in the end.
                let written = match n % 7 {
                    6 => writing.kv().delete(key).await.map(drop),
                    _ => writing.kv().put(key, n.to_string()).await.map(drop),
                };
                drop(written);
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    for n in 0..8 {
        for _ in 0..10 {
            watcher.next().await;
        }
        if n == 4 {
            server.restart().await;
        } else {
            proxy.drop_connections();
        }
    }
    writer.await.expect("no panic");
    eventually(SOON, "etcd takes writes", async || writing.kv().put("/w/end", "").await.ok()).await;
    watcher.until("/w/end").await;
    watcher.assert_true(&writing).await;
    assert_eq!(watcher.snapshots, 1, "resumed each time, never listed again");
    watcher.close().await;
}

#[tokio::test]
async fn a_watch_in_c_is_told_that_etcd_is_away_and_after_a_compaction_what_there_is() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let writing = client(server.endpoint()).await;
    let mut watcher = Watcher::start(proxy.endpoint(), &[]).await;
    writing.kv().put("/w/gone", "").await.expect("put");
    watcher.until("/w/gone").await;
    // Before the first connection nothing can be interrupted.
    while !watcher.connected {
        watcher.next().await;
    }
    proxy.cut();
    writing.kv().delete("/w/gone").await.expect("delete");
    let revision = writing.kv().put("/w/end", "").await.expect("put");
    server.client().await.compact(revision, None).await.expect("compact");
    while watcher.connected {
        watcher.next().await;
    }
    proxy.pass();
    watcher.until("/w/end").await;
    watcher.assert_true(&writing).await;
    assert_eq!((watcher.snapshots, watcher.interruptions), (2, 1));
    watcher.close().await;
}

#[tokio::test]
async fn a_watch_in_c_that_may_not_read_says_so_once_and_begins_when_it_may() {
    // Enough to connect.
    let auth = Auth::simple(Duration::from_secs(300)).prefix("/go-core/.gocore/");
    let server = Server::start(ServerOptions::new().auth(auth.clone())).await;
    let mut watcher = Watcher::start(server.endpoint(), &[&auth.user, &auth.password]).await;
    while watcher.problems.is_empty() {
        watcher.next().await;
    }
    let rights = Permission::read("/w/").with_prefix();
    let granted = server.client().await.auth_client().role_grant_permission(auth.user.as_str(), rights).await;
    granted.expect("an operator gives the rights");
    while watcher.snapshots == 0 {
        watcher.next().await;
    }
    assert_eq!(watcher.problems, [ErrorKind::PermissionDenied as i64]);
    watcher.close().await;
}

/// A program that does not get round to its dispatching leaves nothing behind in etcd all the same.
#[tokio::test]
async fn a_cancelled_watch_leaves_the_server_also_while_nobody_dispatches() {
    let server = Server::plain().await;
    let writing = client(server.endpoint()).await;
    let watchers = async |count| {
        let there = async || (server.metrics().await.watchers() == count).then_some(());
        eventually(SOON, "so many watches", there).await;
    };
    let mut watcher = Watcher::start(server.endpoint(), &["dispatch"]).await;
    // It takes its snapshot, and all it is told of the connection, so that the watch is there.
    while watcher.snapshots == 0 {
        watcher.agent.send(&json!({"do": "dispatch"})).expect("the program listens");
        loop {
            let event = tokio::time::timeout(SOON, watcher.agent.next()).await.expect("an answer").expect("alive");
            if event.name() == "dispatched" {
                break;
            }
            watcher.take(&event);
        }
    }
    watchers(1).await;
    // A callback is due, and nobody runs it.
    writing.kv().put("/w/late", "").await.expect("put");
    watcher.agent.send(&json!({"do": "cancel"})).expect("the program listens");
    watcher.agent.expect("cancelled", SOON).await;
    watchers(0).await;
    watcher.agent.send(&json!({"do": "dispatch"})).expect("the program listens");
    watcher.agent.expect("freed", SOON).await;
}

#[tokio::test]
async fn the_examples_show_each_flag_as_it_comes_changes_and_goes() {
    let server = Server::plain().await;
    let client = client(server.endpoint()).await;
    let cplusplus = has_cplusplus().then_some("examples/cpp/watch.cpp");
    for example in ["examples/c/watch.c"].into_iter().chain(cplusplus) {
        client.kv().put("/go-core/flags/dark", "on").await.expect("put");
        let program = compile(&root().join(example).to_string_lossy());
        let mut agent = Agent::spawn(program, [server.endpoint()]);
        let mut said = Vec::new();
        let mut until = async |line: &str| {
            while said.last().is_none_or(|last| last != line) {
                let event = tokio::time::timeout(SOON, agent.next()).await.expect("a line").expect("the program lives");
                let text = event.body.as_str().expect("plain text").to_owned();
                // It comes when the connection does.
                said.extend((text != "up to date").then_some(text));
            }
        };
        until("/go-core/flags/dark = on").await;
        client.kv().put("/go-core/flags/beta", "off").await.expect("put");
        until("/go-core/flags/beta = off").await;
        client.kv().delete(Range::prefix("/go-core/flags/")).await.expect("delete");
        until("/go-core/flags/beta is gone").await;
        let gone = said.split_off(3);
        assert_eq!(said, ["1 flags:", "/go-core/flags/dark = on", "/go-core/flags/beta = off"], "{example}");
        assert!(gone.iter().all(|line| line.ends_with(" is gone")), "{example}: {gone:?}");
        agent.close_stdin();
        assert!(agent.wait(SOON).await.success(), "{example}");
    }
}
