use proptest::prelude::*;

use super::*;

fn put(key: &str, revision: i64) -> Change {
    Change::Delete { key: key.into(), revision }
}

fn events(revisions: &[i64]) -> Message {
    let events: Vec<_> = revisions.iter().map(|revision| put("a", *revision)).collect();
    Message { cluster: 1, revision: revisions.last().copied().unwrap_or(0), events, ..Message::default() }
}

#[test]
fn what_was_seen_is_not_delivered_again() {
    let mut cursor = Cursor::new(5);
    assert_eq!(cursor.step(events(&[3, 4, 5, 6])), Step::Deliver(vec![put("a", 5), put("a", 6)]));
    assert_eq!(cursor.next, 7);
    assert_eq!(cursor.step(events(&[5, 6])), Step::Deliver(vec![]));
}

#[test]
fn events_that_were_seen_already_are_no_progress() {
    let mut cursor = Cursor::new(5);
    cursor.step(Message { revision: 100, ..events(&[3, 4]) });
    assert_eq!(cursor.next, 5, "those from 5 to 100 may still come");
}

#[test]
fn a_progress_notification_moves_the_place_to_resume_from_but_a_creation_does_not() {
    let mut cursor = Cursor::new(5);
    cursor.step(Message { cluster: 1, revision: 100, created: true, ..Message::default() });
    assert_eq!(cursor.next, 5, "events from 5 to 100 are still to come");
    cursor.step(Message { cluster: 1, revision: 100, ..Message::default() });
    assert_eq!(cursor.next, 101);
}

#[test]
fn a_watch_from_now_on_tells_whether_something_was_missed_and_resumes_without_a_gap() {
    let begun_at = |revision| Message { cluster: 1, revision, created: true, ..Message::default() };
    let mut cursor = Cursor::now(100);
    assert_eq!(cursor.start(), None);
    assert_eq!(cursor.step(Message { canceled: true, ..Message::default() }), Step::Resume);
    assert_eq!(cursor.start(), None, "it has not begun");
    assert_eq!(cursor.step(begun_at(100)), Step::Deliver(vec![]));
    assert_eq!(cursor.start(), Some(101));

    let mut cursor = Cursor::now(100);
    assert_eq!(cursor.step(begun_at(105)), Step::Gap);
    assert_eq!(cursor.start(), Some(106));
    assert_eq!(cursor.step(events(&[107])), Step::Deliver(vec![put("a", 107)]));
    assert_eq!(cursor.step(begun_at(107)), Step::Deliver(vec![]), "resumed, not begun");
}

#[test]
fn compaction_and_a_restored_cluster_ask_for_a_new_list() {
    let compacted = Message { canceled: true, compact_revision: 50, ..Message::default() };
    assert_eq!(Cursor::new(5).step(compacted), Step::Overtaken(Cause::Compacted));

    let mut cursor = Cursor::new(5);
    cursor.step(events(&[9]));
    let other = Message { cluster: 2, revision: 20, created: true, ..Message::default() };
    assert_eq!(cursor.clone().step(other), Step::Overtaken(Cause::OtherCluster), "another cluster");
    let behind = Message { cluster: 1, revision: 3, created: true, ..Message::default() };
    assert_eq!(cursor.clone().step(behind), Step::Overtaken(Cause::StoreBehind), "a store behind what was seen");

    cursor.step(Message { term: 4, ..events(&[10]) });
    let resumed = |term| Message { cluster: 1, term, revision: 99, created: true, ..Message::default() };
    assert_eq!(cursor.clone().step(resumed(4)), Step::Deliver(vec![]));
    assert_eq!(
        cursor.step(resumed(3)),
        Step::Overtaken(Cause::StoreBehind),
        "a store that has come as far again, in an earlier term"
    );
}

#[test]
fn a_member_that_lags_at_the_first_creation_is_no_restored_cluster() {
    let mut cursor = Cursor::new(100);
    let lagging = Message { cluster: 1, revision: 98, created: true, ..Message::default() };
    assert_eq!(cursor.step(lagging), Step::Deliver(vec![]));
}

#[test]
fn a_cancellation_for_another_reason_resumes() {
    let canceled = Message { canceled: true, ..Message::default() };
    assert_eq!(Cursor::new(5).step(canceled), Step::Resume);
}

proptest! {
    /// A server that repeats and resumes anyhow: every revision from the start on is delivered once, in order.
    #[test]
    fn no_gap_and_no_duplicate(chunks in proptest::collection::vec((0i64..8, 0i64..8), 1..40)) {
        let mut cursor = Cursor::new(1);
        let mut seen = Vec::new();
        for (back, length) in chunks {
            let from = (cursor.next - back).max(1);
            let revisions: Vec<i64> = (from..cursor.next.max(from) + length).collect();
            if let Step::Deliver(changes) = cursor.step(events(&revisions)) {
                seen.extend(changes.iter().map(Change::revision));
            }
        }
        let expected: Vec<i64> = (1..1 + seen.len() as i64).collect();
        prop_assert_eq!(seen, expected);
    }
}
