//! Work that the leader alone does.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gocore_etcd_core::{Client, ClientConfig, ErrorKind, Leadership};
use gocore_etcd_tests::{Proxy, Server, eventually};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::story::{SOON, TTL, campaigning, candidates, client_of, outcome, until_candidates};

/// Says when it is dropped.
struct Running(Arc<AtomicU32>);

impl Running {
    fn begin(count: &Arc<AtomicU32>) -> Running {
        count.fetch_add(1, Ordering::SeqCst);
        Running(count.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn work_that_breaks_resigns_and_gives_its_value_and_work_that_continues_lets_others_lead() {
    let server = Server::plain().await;
    let (ours, other, etcd) = (client_of(&server).await, client_of(&server).await, server.client().await);
    let mut turns = Vec::new();
    let between = campaigning(&other, "warm", "other", TTL);
    outcome(between).await.expect("campaign").resign().await.expect("resign");
    let run = ours.run_as_leader("k", "me", TTL, |leadership: Arc<Leadership>| {
        turns.push(leadership.token());
        let (last, other, etcd) = (turns.len() == 2, other.clone(), etcd.clone());
        async move {
            assert!(leadership.is_leader());
            if last {
                return ControlFlow::Break("done");
            }
            drop(campaigning(&other, "k", "other", TTL));
            until_candidates(&etcd, "k", 2).await;
            ControlFlow::Continue(())
        }
    });
    assert_eq!(timeout(SOON, run).await.expect("ends").expect("run"), "done");
    assert!(turns[1] > turns[0] + 1, "another has led in between: {turns:?}");
    assert_eq!(candidates(&etcd, "k").await, Vec::<String>::new(), "resigned");
}

#[tokio::test]
async fn work_is_stopped_when_the_leadership_is_lost_and_begun_again() {
    let server = Server::plain().await;
    let (ours, etcd) = (client_of(&server).await, server.client().await);
    let (begun, mut begins) = mpsc::unbounded_channel();
    let running = Arc::new(AtomicU32::new(0));
    let task = tokio::spawn({
        let running = running.clone();
        async move {
            let work = |leadership: Arc<Leadership>| {
                let (begun, running) = (begun.clone(), Running::begin(&running));
                async move {
                    begun.send(leadership.token()).expect("the test goes on");
                    let _running = running;
                    std::future::pending::<ControlFlow<()>>().await
                }
            };
            ours.run_as_leader("k", "me", TTL, work).await
        }
    });
    let mut last = 0;
    for round in 0..3 {
        let token = timeout(SOON, begins.recv()).await.expect("begun").expect("the work goes on");
        assert!(token > last && running.load(Ordering::SeqCst) == 1, "round {round}");
        last = token;
        etcd.kv_client().delete(candidates(&etcd, "k").await[0].as_str(), None).await.expect("delete");
    }
    timeout(SOON, begins.recv()).await.expect("begun").expect("the work goes on");
    task.abort();
    until_candidates(&etcd, "k", 0).await;
    eventually(SOON, "the work was dropped", async || (running.load(Ordering::SeqCst) == 0).then_some(())).await;
}

#[tokio::test]
async fn work_that_resigns_by_itself_is_not_stopped_and_closing_stops_it() {
    let server = Server::plain().await;
    let ours = client_of(&server).await;
    let done = ours.run_as_leader("k", "me", TTL, async |leadership: Arc<Leadership>| {
        leadership.resign().await.expect("resign");
        tokio::time::sleep(Duration::from_millis(50)).await;
        ControlFlow::Break(leadership.is_leader())
    });
    assert!(!timeout(SOON, done).await.expect("ends").expect("run"));

    let running = Arc::new(AtomicU32::new(0));
    let endless = tokio::spawn({
        let (ours, running) = (ours.clone(), running.clone());
        async move {
            let work = |_| {
                let running = Running::begin(&running);
                async move {
                    let _running = running;
                    std::future::pending::<ControlFlow<()>>().await
                }
            };
            ours.run_as_leader("k", "me", TTL, work).await
        }
    });
    eventually(SOON, "begun", async || (running.load(Ordering::SeqCst) == 1).then_some(())).await;
    ours.close().await.expect("close");
    let ended = timeout(SOON, endless).await.expect("ends").expect("no panic");
    assert_eq!(ended.expect_err("closed").kind(), ErrorKind::Closed);
    assert_eq!(running.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn work_that_is_to_begin_again_does_not_queue_behind_itself_when_it_could_not_resign() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let config = ClientConfig::new([proxy.endpoint()]).request_timeout(Duration::from_millis(500));
    let client = Client::connect(config).await.expect("connect");
    // A program may keep what it was given.
    let kept = Mutex::new(Vec::new());
    let (proxy, kept) = (&proxy, &kept);
    let twice = client.run_as_leader("k", "me", Duration::from_secs(60), |leadership: Arc<Leadership>| {
        kept.lock().expect("not poisoned").push(leadership);
        async move {
            if kept.lock().expect("not poisoned").len() == 2 {
                return ControlFlow::Break(());
            }
            // What is sent now never arrives.
            proxy.black_hole();
            ControlFlow::Continue(())
        }
    });
    let heal = async {
        let given_back =
            async || kept.lock().expect("not poisoned").first().is_some_and(|first| !first.is_leader()).then_some(());
        eventually(SOON, "it resigns", given_back).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        proxy.pass();
        std::future::pending().await
    };
    tokio::select! {
        ended = timeout(SOON, twice) => ended.expect("it leads again").expect("run"),
        () = heal => {}
    }
}
