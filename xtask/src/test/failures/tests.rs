use super::Failures;

/// As cargo and its tests said it.
const RUN: &str = "\
     Running tests/kv/main.rs (target/debug/deps/kv-0e181a789af84355)

running 3 tests
test keys::good ... ok
test keys::bad ... FAILED
test txns::worse ... FAILED

failures:

---- keys::bad stdout ----
the server's log

thread 'keys::bad' (1) panicked at tests/kv/keys.rs:7:5:
two are one
stack backtrace:
   0: __rustc::rust_begin_unwind
             at /rustc/library/std/src/panicking.rs:689:5

---- txns::worse stdout ----
a program said:

failures:
    none of ours

---- txns::worse stdout ----
three are one

failures:
    keys::bad
    txns::worse

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

error: test failed, to rerun pass `-p gocore-etcd-tests --test kv`
     Running tests/lock/main.rs (target/debug/deps/lock-0e181a789af84355)
error: test failed, to rerun pass `-p gocore-etcd-tests --test lock`

Caused by:
  process didn't exit successfully: `target/debug/deps/lock-0e181a789af84355` (signal: 6, SIGABRT: process abort signal)
error: 2 targets failed:
    `-p gocore-etcd-tests --test kv`
    `-p gocore-etcd-tests --test lock`
";

fn heard(said: &str) -> Failures {
    let mut failures = Failures::default();
    said.lines().for_each(|line| failures.hear(line));
    failures
}

#[test]
fn what_failed_is_named_at_the_end_after_what_it_said() {
    let told = "
keys::bad said last:
  the server's log
  thread 'keys::bad' (1) panicked at tests/kv/keys.rs:7:5:
  two are one

txns::worse said last:
  a program said:
  three are one

failed: -p gocore-etcd-tests --test kv
  keys::bad
  txns::worse

failed: -p gocore-etcd-tests --test lock
  it ended before its tests had
";
    assert_eq!(heard(RUN).to_string(), told);
}

#[test]
fn a_run_without_failures_has_nothing_to_tell() {
    let failures = heard("running 0 tests\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured\n");
    assert!(failures.to_string().is_empty() && failures.any_was_run());
    assert!(!heard("error: could not compile `gocore-etcd-core`").any_was_run());
}

#[test]
fn of_many_failures_all_are_named_and_few_are_told() {
    let mut failures = Failures::default();
    failures.hear("failures:");
    let names: Vec<_> = (0..50).map(|number| format!("test_{number}")).collect();
    for name in &names {
        failures.hear(&format!("---- {name} stdout ----"));
        (0..1000).for_each(|line| failures.hear(&format!("line {line}")));
    }
    failures.hear("failures:");
    names.iter().for_each(|name| failures.hear(&format!("    {name}")));
    failures.hear("error: test failed, to rerun pass `--lib`");
    let told = failures.to_string();
    assert!(names.iter().all(|name| told.contains(&format!("\n  {name}\n"))), "{told}");
    assert!(told.lines().count() < 250, "{told}");
}
