//! What C programs see: client, kv, lock, election and callbacks, their misuse, and the example.

use std::process::Command;
use std::time::Duration;

use gocore_etcd_core::ErrorKind;
use gocore_etcd_tests::{Agent, Proxy, Server, not_run};
use serde_json::json;

use crate::story::{compile, compile_with, has_cplusplus, root, run, run_under_memcheck, succeeded};

async fn holds(program: &str) {
    let server = Server::plain().await;
    run(compile(program), vec![server.endpoint()]).await;
}

#[tokio::test]
async fn a_c_program_reads_writes_and_commits() {
    holds("kv.c").await;
}

#[tokio::test]
async fn a_c_program_holds_loses_cancels_and_gives_back_locks() {
    holds("lock.c").await;
}

#[tokio::test]
async fn a_c_program_campaigns_leads_resigns_and_sees_who_does() {
    holds("election.c").await;
}

#[tokio::test]
async fn candidacies_tell_each_state_and_work_runs_only_as_leader_one_at_a_time() {
    holds("election_run.c").await;
}

#[tokio::test]
async fn misuse_is_refused_by_the_name_of_the_argument_and_never_a_crash() {
    holds("misuse.c").await;
}

#[tokio::test]
async fn a_thread_that_is_cancelled_in_a_call_ends_after_it_and_one_with_a_small_stack_waits_as_any_other() {
    holds("threads.c").await;
}

#[tokio::test]
async fn callbacks_keep_every_rule_and_give_user_data_back_exactly_once() {
    holds("callbacks.c").await;
}

#[tokio::test]
async fn watches_tell_all_in_order_and_end_in_every_way_with_user_data_given_back_exactly_once() {
    holds("watch.c").await;
}

#[tokio::test]
async fn a_blocked_callback_delays_nobody_and_costs_bounded_memory_and_nothing_is_lost_in_silence() {
    holds("watch_flood.c").await;
}

#[tokio::test]
async fn a_panic_inside_is_a_status_and_the_process_lives_on() {
    if !cfg!(debug_assertions) {
        return not_run("a panic inside the C library", "a release build has no hook for it");
    }
    let server = Server::plain().await;
    let program = compile("panic.c");
    let places = ["kv.get@entry", "client.connect@entry", "kv.get@work", "lock.acquire_async@work"];
    for place in places.into_iter().chain(["lock.acquire_async@callback", "subscription@callback"]) {
        let mut command = Command::new("timeout");
        command.args(["60".as_ref(), program.as_os_str(), server.endpoint().as_ref(), place.as_ref()]);
        command.env("GOCORE_ETCD_TEST_PANIC", place);
        tokio::task::spawn_blocking(|| succeeded(command)).await.expect("the process lives on");
    }
}

/// The programs that make, move, free and lose handles of every kind: those that memcheck and AddressSanitizer look over.
/// (Not those that fork, flood or have a thread cancelled: there either takes too long, or calls it a leak that a child lets
/// its parent's handles be, or stumbles itself over the stack of a thread that was unwound.)
pub(crate) fn handling_memory() -> Vec<&'static str> {
    let mut programs = vec!["kv.c", "lock.c", "election.c", "election_run.c", "misuse.c", "callbacks.c", "watch.c"];
    if has_cplusplus() {
        programs.extend(["raii.cpp", "election.cpp", "txn.cpp", "async.cpp", "memory.cpp", "watch.cpp"]);
        programs.push("no_exceptions.cpp");
    }
    programs
}

async fn holds_in_cplusplus(program: &str) {
    if has_cplusplus() {
        holds(program).await;
    }
}

#[tokio::test]
async fn the_classes_of_cplusplus_own_move_wait_and_throw() {
    holds_in_cplusplus("raii.cpp").await;
}

#[tokio::test]
async fn transactions_of_cplusplus_have_conditions_branches_nesting_and_a_guard() {
    holds_in_cplusplus("txn.cpp").await;
}

#[tokio::test]
async fn leaders_candidates_observers_and_work_in_cplusplus_are_owned_and_told() {
    holds_in_cplusplus("election.cpp").await;
}

#[tokio::test]
async fn a_handler_of_cplusplus_gets_the_lock_or_the_error_exactly_once() {
    if !has_cplusplus() {
        return;
    }
    let server = Server::plain().await;
    let output = run(compile("async.cpp"), vec![server.endpoint()]).await;
    // What handlers threw while nobody listened, and what a handler of the log threw.
    let said = String::from_utf8_lossy(&output.stderr);
    let unheard = ["thrown unheard", "something that is no std::exception", "thrown unheard again"];
    let unheard = unheard.map(|what| format!("gocore_etcd: a handler threw: {what}\n"));
    assert_eq!(said, unheard.concat());
}

#[tokio::test]
async fn watches_of_cplusplus_tell_all_in_order_and_what_they_tell_may_be_kept() {
    holds_in_cplusplus("watch.cpp").await;
}

#[tokio::test]
async fn out_of_memory_is_an_error_at_every_place_where_cplusplus_asks_for_some() {
    holds_in_cplusplus("memory.cpp").await;
}

#[tokio::test]
async fn without_exceptions_every_call_has_its_form_and_is_noexcept() {
    if has_cplusplus() {
        let server = Server::plain().await;
        for exceptions in ["-fno-exceptions", "-fexceptions"] {
            run(compile_with("no_exceptions.cpp", &[exceptions]), vec![server.endpoint()]).await;
        }
    }
}

#[tokio::test]
async fn a_forked_child_is_told_so_and_begins_anew_and_the_parent_goes_on() {
    holds("fork.c").await;
}

#[tokio::test]
async fn a_forked_child_leads_nothing_of_its_parents_also_when_the_work_forks() {
    holds("election_fork.c").await;
}

#[tokio::test]
async fn the_examples_of_elections_tell_their_story() {
    let server = Server::plain().await;
    let cplusplus = has_cplusplus().then_some("examples/cpp/election.cpp");
    for example in ["examples/c/election.c"].into_iter().chain(cplusplus) {
        let output = run(compile(&root().join(example).to_string_lossy()), vec![server.endpoint()]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        for told in ["leading with fencing token", "the report was written", "nobody leads", "leads with token"] {
            assert!(said.contains(told), "{example} does not say {told}: {said}");
        }
        assert!(said.ends_with("resigned\n"), "{example}: {said}");
    }
}

#[tokio::test]
async fn the_examples_tell_their_story() {
    let server = Server::plain().await;
    let cplusplus = has_cplusplus().then_some("examples/cpp/lock.cpp");
    for example in ["examples/c/lock.c"].into_iter().chain(cplusplus) {
        let output = run(compile(&root().join(example).to_string_lossy()), vec![server.endpoint()]).await;
        let said = String::from_utf8_lossy(&output.stdout);
        let told = ["waiting for the lock", "holding /go-core/locks/jobs/report", "the report was written", "unlocked"];
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), told.len(), "{example}: {said}");
        assert!(lines.iter().zip(told).all(|(line, begins)| line.starts_with(begins)), "{example}: {said}");
    }
}

#[tokio::test]
async fn memcheck_finds_no_error_and_nothing_lost_in_the_c_programs() {
    let server = Server::plain().await;
    for program in handling_memory() {
        if !run_under_memcheck(compile(program), vec![server.endpoint()]).await {
            return not_run("memcheck over the C programs", "there is no valgrind");
        }
    }
}

/// Whoever takes apart what its callbacks use, because the client is closed, must be able to.
#[tokio::test]
async fn closing_waits_for_callbacks_also_when_etcd_is_away() {
    let server = Server::plain().await;
    let proxy = Proxy::start(server.address());
    let mut agent = Agent::spawn(compile("close_agent.c"), [proxy.endpoint()]);
    let soon = Duration::from_secs(30);
    agent.expect("leading", soon).await;
    proxy.cut();
    agent.send(&json!({"do": "close"})).expect("the program listens");
    let closed = agent.expect("closed", soon).await;
    assert_eq!(closed.body["returned"], 2, "the work has returned, and user_free has run: {closed:?}");
    assert_eq!(closed.body["status"], ErrorKind::DeadlineExceeded as i64, "the leadership could not be given back");
}
