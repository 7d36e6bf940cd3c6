use super::*;

fn put(created: i64, revision: i64) -> Change {
    let (key, value) = (b"k".to_vec(), Vec::new());
    Change::Put(KeyValue { key, value, create_revision: created, mod_revision: revision, version: 1, lease: 0 })
}

fn events(change: Change, coalesced: bool) -> Update {
    Update::Events { revision: change.revision(), changes: vec![change], coalesced, settled: true }
}

#[test]
fn an_incarnation_is_gone_when_it_is_deleted_or_another_one_is_seen() {
    let deleted = Change::Delete { key: b"k".to_vec(), revision: 9 };
    assert!(is_gone(&events(deleted, false), Some(5)));
    assert!(!is_gone(&events(put(5, 9), false), Some(5)), "put again by its owner");
    assert!(is_gone(&events(put(9, 9), true), Some(5)), "coalescing hid the delete, not the new incarnation");
    assert!(!is_gone(&events(put(9, 9), false), None), "any incarnation will do");
    assert!(!is_gone(&Update::Connected(false), Some(5)));
}

#[test]
fn the_end_of_an_earlier_incarnation_told_by_a_member_that_lags_is_no_news() {
    let deleted = Change::Delete { key: b"k".to_vec(), revision: 4 };
    assert!(!is_gone(&events(deleted, false), Some(5)));
    assert!(!is_gone(&events(put(2, 3), false), Some(5)));
    assert!(!is_gone(&events(put(5, 5), false), Some(5)), "it begins");
}

#[test]
fn a_snapshot_shows_whether_it_is_gone() {
    let snapshot = |kvs: Vec<KeyValue>| Update::Resync(Snapshot { revision: 20, kvs });
    let Change::Put(same) = put(5, 9) else { unreachable!() };
    let Change::Put(other) = put(9, 9) else { unreachable!() };
    assert!(is_gone(&snapshot(vec![]), Some(5)));
    assert!(is_gone(&snapshot(vec![other.clone()]), Some(5)));
    assert!(is_gone(&snapshot(vec![other]), Some(15)), "a cluster restored from a backup begins with lower revisions");
    assert!(!is_gone(&snapshot(vec![same]), Some(5)));
}
