use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn change(key: u8, revision: i64) -> Change {
    Change::Delete { key: vec![key], revision }
}

#[test]
fn changes_come_out_a_revision_at_a_time() {
    let mut queue = Queue::default();
    queue.push(vec![change(1, 5), change(2, 5), change(1, 6)], 10, 10_000);
    let first =
        Taken::Events { revision: 5, changes: vec![change(1, 5), change(2, 5)], coalesced: false, settled: true };
    assert_eq!(queue.take(), Some(first));
    assert_eq!(
        queue.take(),
        Some(Taken::Events { revision: 6, changes: vec![change(1, 6)], coalesced: false, settled: true })
    );
    assert_eq!(queue.take(), None);
    assert_eq!(queue.bytes, 0);
}

#[test]
fn a_slow_consumer_gets_the_newest_state_of_each_key_and_is_told() {
    let mut queue = Queue::default();
    for revision in 1..=11 {
        queue.push(vec![change(revision as u8 % 2, revision)], 10, 1_000_000);
    }
    assert_eq!(
        queue.take(),
        Some(Taken::Events { revision: 10, changes: vec![change(0, 10)], coalesced: true, settled: false })
    );
    assert_eq!(
        queue.take(),
        Some(Taken::Events { revision: 11, changes: vec![change(1, 11)], coalesced: true, settled: true })
    );
    queue.push(vec![change(1, 12)], 10, 1_000_000);
    assert_eq!(
        queue.take(),
        Some(Taken::Events { revision: 12, changes: vec![change(1, 12)], coalesced: false, settled: true })
    );
}

#[test]
fn more_keys_than_fit_ask_for_a_new_list_and_hold_no_memory() {
    let mut queue = Queue::default();
    for revision in 1..=100 {
        queue.push(vec![change(revision as u8, revision)], 10, 1_000_000);
    }
    assert_eq!(queue.take(), Some(Taken::Overtaken(Cause::SlowConsumer)));
    assert_eq!((queue.bytes, queue.changes.len()), (0, 0));
}

#[test]
fn that_a_consumer_is_slow_is_said_once_until_it_has_caught_up() {
    let mut queue = Queue::default();
    let pushed = |queue: &mut Queue, revisions: std::ops::RangeInclusive<i64>| {
        revisions.filter(|revision| queue.push(vec![change(0, *revision)], 10, 1_000_000)).collect::<Vec<_>>()
    };
    assert_eq!(pushed(&mut queue, 1..=10), [0i64; 0]);
    assert_eq!(pushed(&mut queue, 11..=100), [11]);
    while queue.take().is_some() {}
    assert_eq!(pushed(&mut queue, 101..=120), [111]);
}

#[test]
fn only_a_change_of_the_connection_is_told() {
    let buffer = Buffer::new(false);
    buffer.connected(false);
    assert_eq!(buffer.queue.lock().expect("not poisoned").take(), None);
    buffer.connected(true);
    assert_eq!(buffer.queue.lock().expect("not poisoned").take(), Some(Taken::Connected(true)));
}

proptest! {
    /// However slow the consumer is: the newest state of every key reaches it, or it is told to list again.
    #[test]
    fn the_newest_state_is_never_lost(keys in proptest::collection::vec((0u8..12, any::<bool>()), 1..200)) {
        let mut queue = Queue::default();
        let mut newest = BTreeMap::new();
        let mut seen = BTreeMap::new();
        let mut history = vec![BTreeMap::new()];
        let mut last = 0;
        let mut overtaken = false;
        for (revision, (key, takes)) in (1..).zip(keys) {
            newest.insert(vec![key], revision);
            history.push(newest.clone());
            queue.push(vec![change(key, revision)], 8, 1_000_000);
            prop_assert!(queue.changes.len() <= 8);
            while takes && !overtaken {
                match queue.take() {
                    Some(Taken::Events { revision, changes, settled, .. }) => {
                        prop_assert!(revision > last);
                        last = revision;
                        seen.extend(changes.into_iter().map(|change| (change.key().to_vec(), change.revision())));
                        // Then it is as if each had been taken in its time.
                        prop_assert!(!settled || seen == history[revision as usize]);
                    }
                    Some(_) => overtaken = true,
                    None => break,
                }
            }
        }
        while let Some(taken) = queue.take() {
            match taken {
                Taken::Events { changes, .. } => {
                    seen.extend(changes.into_iter().map(|change| (change.key().to_vec(), change.revision())));
                }
                _ => {
                    overtaken = true;
                    break;
                }
            }
        }
        prop_assert!(overtaken || seen == newest);
    }
}
