//! The README's first command does its main job: the promises hold, before anybody's eyes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use gocore_etcd_tests::{Agent, Server, eventually};
use tokio::time::timeout;

/// A whole story on a busy machine; what it runs may have to be built first.
const PATIENCE: Duration = Duration::from_secs(300);

fn demo(args: &[&str]) -> Command {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_xtask"));
    demo.arg("demo").args(args);
    demo
}

/// What went to stdout and to stderr.
fn told(output: &Output) -> (String, String) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_demo_plays_both_acts_and_every_promise_holds() {
    let output = demo(&[]).output().expect("xtask runs");
    let (story, errors) = told(&output);
    assert!(output.status.success(), "{story}\n{errors}");
    assert!(story.contains("Every promise held; nothing is left behind."), "{story}\n{errors}");
    let all = story.contains("Rust, then C, then C++, then Python, then asyncio");
    assert!(all || story.contains("\n  missing"), "{story}\n{errors}");
    // Each leader, what one proclaimed, and nobody at the beginning and at the end.
    let observations: Vec<_> = story.lines().filter_map(|line| line.split_once(" observes: ")).collect();
    let leaders = observations.iter().map(|(_, observed)| *observed != "no leader");
    assert_eq!(leaders.collect::<Vec<_>>(), [false, true, true, true, true, true, false], "{story}");
    assert_eq!(story.matches("\n  yes ").count(), 6 + 8, "{story}");
}

#[test]
fn a_cluster_that_is_not_there_is_said_and_not_waited_for() {
    let output = demo(&["--endpoints", "127.0.0.1:1"]).output().expect("xtask runs");
    assert!(!output.status.success());
    assert!(told(&output).1.contains("127.0.0.1:1"), "{output:?}");
}

#[test]
fn who_is_missing_from_the_cast_is_named_and_the_others_tell_the_story_but_not_in_ci() {
    let mut without = demo(&[]);
    let output = without.env("GOCORE_ETCD_PYTHON", "/no/python").env_remove("CI").output().expect("xtask runs");
    let (story, errors) = told(&output);
    assert!(output.status.success(), "{story}\n{errors}");
    let missing = "missing     Python (there is no /no/python with venv), asyncio (there is no /no/python with venv)\n";
    assert!(story.contains(missing), "{story}\n{errors}");
    assert!(story.contains("Every promise held"), "{story}\n{errors}");

    let output = without.env("CI", "true").output().expect("xtask runs");
    assert!(!output.status.success());
    assert!(told(&output).1.contains("these are missing: Python (there is no /no/python"), "{output:?}");
}

/// Interrupted when the first worker has begun, when all are in the queue, when the second act's leader is cut off, while one
/// campaigns and one observes, and not at all.
#[tokio::test(flavor = "multi_thread")]
async fn on_the_users_cluster_it_leaves_nothing_behind_wherever_ctrl_c_ends_it() {
    let server = Server::plain().await;
    let args = ["--endpoints".to_owned(), server.address().to_string()];
    // What a line tells, and the how many-th of its kind it is.
    let moments = [Some((" is process ", 1)), Some((" waits as ", 4)), Some((" swallows every packet ", 2)), None];
    for moment in moments {
        let mut demo = Agent::spawn_command(demo(&args.each_ref().map(String::as_str)));
        let (mut workers, mut seen, mut interrupted) = (Vec::new(), 0, false);
        while let Some(line) = timeout(PATIENCE, demo.next()).await.expect("it goes on and ends") {
            let line = line.body.as_str().unwrap_or_default().to_owned();
            println!("{line}");
            let process = line.split_once(" is process ").and_then(|(_, rest)| rest.split(',').next());
            workers.extend(process.map(|pid| PathBuf::from(format!("/proc/{pid}"))));
            let told = moment.is_some_and(|(what, _)| line.contains(what));
            seen += usize::from(told);
            if told && moment.is_some_and(|(_, times)| times == seen) {
                interrupted = true;
                interrupt(&demo);
            }
        }
        assert_eq!(demo.wait(PATIENCE).await.success(), !interrupted);
        assert_eq!(interrupted, moment.is_some());
        assert!(!workers.is_empty());
        let soon = Duration::from_secs(10);
        eventually(soon, "no worker is left", async || workers.iter().all(|it| !it.exists()).then_some(())).await;
        let etcd = server.client().await;
        let all = etcd_client::GetOptions::new().with_all_keys();
        let keys = etcd.kv_client().get("", Some(all)).await.expect("get");
        let leases = etcd.lease_client().leases().await.expect("leases");
        assert_eq!((keys.count(), leases.leases().len()), (0, 0), "{:?}", keys.kvs());
    }
}

/// Interrupted while its etcd starts, when all are in the queue, and when the second act's leader is cut off.
#[tokio::test(flavor = "multi_thread")]
async fn on_its_private_etcd_ctrl_c_leaves_no_process_and_no_file() {
    for moment in [None, Some((" waits as ", 4)), Some((" swallows every packet ", 2))] {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = demo(&[]);
        command.env("TMPDIR", dir.path());
        let mut demo = Agent::spawn_command(command);
        let started = async || Some(etcd_below(dir.path())).filter(|found| !found.is_empty());
        let etcd = eventually(PATIENCE, "its etcd is started", started).await;
        if moment.is_none() {
            interrupt(&demo);
        }
        let mut seen = 0;
        while let Some(line) = timeout(PATIENCE, demo.next()).await.expect("it goes on and ends") {
            let line = line.body.as_str().unwrap_or_default().to_owned();
            println!("{line}");
            let Some((what, times)) = moment else { continue };
            if line.contains(what) {
                seen += 1;
                if seen == times {
                    interrupt(&demo);
                }
            }
        }
        assert_eq!(demo.wait(PATIENCE).await.code(), Some(1), "it ended by itself, and said that it was interrupted");
        // At once, not in time: it says that nothing is left.
        assert!(etcd.iter().all(|process| !process.exists()), "{etcd:?}");
        let left: Vec<_> = fs::read_dir(dir.path()).expect("a directory").flatten().map(|entry| entry.path()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The processes of an etcd with its data below `dir`.
fn etcd_below(dir: &Path) -> Vec<PathBuf> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten().map(|entry| entry.path());
    let data = format!("--data-dir={}", dir.display());
    let is_it = |process: &PathBuf| {
        let command = fs::read(process.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&command).contains(&data)
    };
    processes.filter(is_it).collect()
}

/// Ctrl-C goes to all in the terminal, Go too: it is no failure of Go's that another way to an etcd would follow.
#[tokio::test]
async fn ctrl_c_while_an_etcd_is_built_ends_the_demo() {
    let dir = tempfile::tempdir().expect("a directory");
    let (builds, downloads) = (dir.path().join("builds"), dir.path().join("downloads"));
    for (name, text) in [
        ("go", format!("#!/bin/sh\n: >'{}'\nexec sleep 300\n", builds.display())),
        ("python3", format!("#!/bin/sh\n: >'{}'\n", downloads.display())),
    ] {
        fs::write(dir.path().join(name), text).expect("written");
        fs::set_permissions(dir.path().join(name), fs::Permissions::from_mode(0o755)).expect("set");
    }
    let mut command = demo(&[]);
    // Where no etcd is kept, and none is on PATH.
    command.env_remove("ETCD_BIN").env_remove("GOCORE_ETCD_PYTHON").env("CARGO_TARGET_DIR", dir.path().join("target"));
    command.env("PATH", format!("{}:/usr/bin:/bin", dir.path().display()));
    let mut demo = Agent::spawn_command(command);
    eventually(PATIENCE, "Go builds", async || builds.exists().then_some(())).await;
    // It is the first of its process group, as it would be in a terminal.
    // SAFETY: plain system call; the group is our child's, which is not yet waited for.
    let sent = unsafe { libc::killpg(demo.pid().try_into().expect("a pid"), libc::SIGINT) };
    assert_eq!(sent, 0);
    assert_eq!(demo.wait(Duration::from_secs(10)).await.signal(), Some(libc::SIGINT));
    assert!(!downloads.exists());
}

/// Somebody leaves a key where nobody else has any: in both acts nothing was to be left.
#[tokio::test]
async fn a_promise_that_does_not_hold_fails_the_demo() {
    let server = Server::plain().await;
    let mut demo = Agent::spawn_command(demo(&["--endpoints", &server.address().to_string()]));
    let (mut broken, mut strays) = (0, 0);
    while let Some(line) = timeout(PATIENCE, demo.next()).await.expect("it goes on and ends") {
        let line = line.body.as_str().unwrap_or_default().to_owned();
        println!("{line}");
        if let Some((prefix, _)) = line.strip_prefix("  lock ").and_then(|key| key.trim_start().split_once("/locks/")) {
            let stray = format!("{prefix}/stray");
            server.client().await.kv_client().put(stray, "", None).await.expect("put");
            strays += 1;
        }
        broken += usize::from(line.starts_with("  NO ") && line.contains("/stray"));
        assert!(!line.contains("Every promise held"), "{line}");
    }
    assert_eq!((strays, broken), (1, 2));
    assert!(!demo.wait(PATIENCE).await.success());
}

/// Ctrl-C.
fn interrupt(demo: &Agent) {
    // SAFETY: plain system call; the process is our child and not yet waited for.
    let sent = unsafe { libc::kill(demo.pid().try_into().expect("a pid"), libc::SIGINT) };
    assert_eq!(sent, 0);
}
