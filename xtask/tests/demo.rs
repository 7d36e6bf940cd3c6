//! The README's first command does its main job: the promises hold, before anybody's eyes.

use std::process::Command;

#[test]
fn the_demo_tells_its_story_and_every_promise_holds() {
    let told = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("demo").output().expect("xtask runs");
    let (story, errors) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
    assert!(told.status.success(), "{story}\n{errors}");
    assert!(story.contains("Every promise held; nothing is left behind."), "{story}\n{errors}");
}

#[test]
fn a_cluster_that_is_not_there_is_said_and_not_waited_for() {
    let told = Command::new(env!("CARGO_BIN_EXE_xtask")).args(["demo", "--endpoints", "127.0.0.1:1"]).output();
    let told = told.expect("xtask runs");
    assert!(!told.status.success());
    assert!(String::from_utf8_lossy(&told.stderr).contains("127.0.0.1:1"), "{told:?}");
}
