use std::cell::Cell;
use std::fs;
use std::path::Path;

use super::made;

/// Makes `dir/made` from `dir/source`, a file of which is `dir/source/inner/file`; says whether it was made now.
fn make(dir: &Path, circumstances: &str, outcome: Result<(), String>) -> (bool, Result<(), String>) {
    let (place, source, made_now) = (dir.join("made"), dir.join("source"), Cell::new(false));
    let result = made(&place, &[source.to_str().expect("text")], circumstances, || {
        made_now.set(true);
        fs::write(&place, "").map_err(|error| error.to_string())?;
        outcome
    });
    (made_now.get(), result)
}

#[test]
fn it_is_made_again_when_something_it_was_made_from_has_changed_and_only_then() {
    let dir = tempfile::tempdir().expect("a directory");
    let inner = dir.path().join("source/inner");
    let (file, imported) = (inner.join("file"), inner.join("__pycache__"));
    fs::create_dir_all(&imported).expect("made");
    fs::write(&file, "1").expect("written");
    let made_now = |circumstances| make(dir.path(), circumstances, Ok(())).0;
    assert!(made_now("here"));
    assert!(!made_now("here"));
    // The same again is no change, and what an import leaves behind neither.
    fs::write(&file, "1").expect("written");
    fs::write(imported.join("file.pyc"), "").expect("written");
    assert!(!made_now("here"));

    fs::write(&file, "2").expect("written");
    assert!(made_now("here"), "another content");
    fs::rename(&file, inner.join("other")).expect("renamed");
    assert!(made_now("here"), "another name");
    assert!(made_now("there"), "other circumstances");
    fs::remove_file(dir.path().join("made")).expect("removed");
    assert!(made_now("there"), "it was taken away");
    assert!(!made_now("there"));
}

#[test]
fn what_was_left_half_made_is_not_taken_for_the_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("source")).expect("made");
    assert_eq!(make(dir.path(), "", Ok(())), (true, Ok(())));
    let failed = Err("the disk is full".to_owned());
    assert_eq!(make(dir.path(), "other", failed.clone()), (true, failed));
    assert_eq!(make(dir.path(), "", Ok(())), (true, Ok(())));
}

#[test]
fn a_source_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let (made_now, result) = make(dir.path(), "", Ok(()));
    assert!(!made_now && result.is_err_and(|why| why.contains("/source: ")));
}
