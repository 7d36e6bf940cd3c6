//! The README's second command ends with an honest line.

use std::process::Command;

#[test]
fn the_last_line_of_a_part_says_that_only_the_part_was_run() {
    let mut test = Command::new(env!("CARGO_BIN_EXE_xtask"));
    test.args(["test", "--package", "gocore-etcd-tests", "--lib", "--", "version"]);
    let output = test.output().expect("xtask runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().filter(|line| line.starts_with("test binary::version::") && line.ends_with(" ... ok"));
    assert_eq!(passed.count(), 2, "{said}");
    let last = said.lines().last().unwrap_or_default();
    let part =
        "only what was asked for was run (--package gocore-etcd-tests --lib -- version); of that not run: nothing";
    assert!(last.starts_with("etcd ") && last.ends_with(part), "{last}");
}
