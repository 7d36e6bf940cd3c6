use proptest::prelude::*;

use super::*;
use crate::watch::Snapshot;

const QUEUE: &str = "/e/k/";

fn key(name: &str) -> Vec<u8> {
    format!("{QUEUE}{name}").into_bytes()
}

fn kv(name: &str, created: i64, modified: i64) -> KeyValue {
    let value = format!("{name}@{modified}").into_bytes();
    KeyValue { key: key(name), value, create_revision: created, mod_revision: modified, version: 1, lease: 0 }
}

fn put(name: &str, created: i64, modified: i64) -> Change {
    Change::Put(kv(name, created, modified))
}

fn delete(name: &str, revision: i64) -> Change {
    Change::Delete { key: key(name), revision }
}

fn events(changes: Vec<Change>) -> Update {
    let revision = changes.first().expect("a change").revision();
    Update::Events { revision, changes, coalesced: false, settled: true }
}

fn snapshot(revision: i64, kvs: Vec<KeyValue>) -> Update {
    Update::Resync(Snapshot { revision, kvs })
}

fn picture(kvs: Vec<KeyValue>) -> Picture {
    let mut picture = Picture::new(QUEUE.to_owned());
    picture.update(snapshot(100, kvs)).expect("the present state is told");
    picture
}

#[test]
fn the_present_state_comes_first_also_when_nobody_leads() {
    let mut picture = Picture::new(QUEUE.to_owned());
    assert_eq!(picture.update(Update::Connected(true)), None);
    assert_eq!(picture.update(snapshot(9, vec![])), Some(None));
    let mut picture = Picture::new(QUEUE.to_owned());
    assert_eq!(picture.update(snapshot(9, vec![kv("b", 5, 5), kv("a", 7, 7)])), Some(Some(kv("b", 5, 5))));
}

#[test]
fn who_was_created_first_leads_and_who_waits_is_no_news() {
    let mut picture = picture(vec![]);
    assert_eq!(picture.update(events(vec![put("b", 101, 101)])), Some(Some(kv("b", 101, 101))));
    assert_eq!(picture.update(events(vec![put("a", 102, 102)])), None);
    assert_eq!(picture.update(events(vec![put("a", 102, 103)])), None, "a waiter's value");
    assert_eq!(picture.update(events(vec![put("b", 101, 104)])), Some(Some(kv("b", 101, 104))), "a proclamation");
    assert_eq!(picture.update(events(vec![delete("b", 105)])), Some(Some(kv("a", 102, 103))));
    assert_eq!(picture.update(events(vec![delete("a", 106)])), Some(None));
    assert_eq!(picture.update(events(vec![delete("a", 107)])), None);
}

#[test]
fn a_leader_that_comes_back_under_its_name_is_behind_the_others() {
    let mut picture = picture(vec![kv("a", 1, 1), kv("b", 2, 2)]);
    // Its delete was coalesced away.
    assert_eq!(picture.update(events(vec![put("a", 110, 110)])), Some(Some(kv("b", 2, 2))));
    assert_eq!(picture.update(events(vec![delete("b", 111)])), Some(Some(kv("a", 110, 110))));
}

#[test]
fn keys_of_longer_names_are_no_candidates_whatever_happens_to_them() {
    let mut picture = picture(vec![kv("1/x", 1, 1), kv("", 2, 2), kv("/", 3, 3)]);
    assert_eq!(picture.told, Some(None));
    assert_eq!(picture.update(events(vec![put("1/y", 101, 101), put("c", 101, 101)])), Some(Some(kv("c", 101, 101))));
    assert_eq!(picture.update(events(vec![delete("1/y", 102), delete("1/x", 102)])), None);
    assert_eq!(picture.candidates.len(), 1);
    assert_eq!(picture.created.len(), 1);
}

#[test]
fn a_resync_that_shows_the_same_is_no_news_and_one_of_a_restored_cluster_begins_anew() {
    let mut picture = picture(vec![kv("a", 50, 60), kv("b", 70, 70)]);
    assert_eq!(picture.update(snapshot(200, vec![kv("a", 50, 60)])), None, "the leader is the same");
    assert_eq!(picture.update(events(vec![delete("a", 201)])), Some(None), "and the candidates are new");
    assert_eq!(picture.update(snapshot(20, vec![kv("z", 3, 3)])), Some(Some(kv("z", 3, 3))), "older, and true");
}

#[test]
fn nobody_is_shown_between_coalesced_changes() {
    let mut picture = picture(vec![kv("a", 1, 1)]);
    let coalesced = |changes, settled| Update::Events { revision: 110, changes, coalesced: true, settled };
    // c led from 105 on and has resigned at 107; its put was coalesced away. d never led before that.
    assert_eq!(picture.update(coalesced(vec![delete("a", 105)], false)), None, "there never was nobody");
    assert_eq!(picture.update(coalesced(vec![put("d", 106, 106)], false)), None);
    assert_eq!(picture.update(coalesced(vec![delete("c", 107)], true)), Some(Some(kv("d", 106, 106))));
}

/// What etcd does to a few candidates, one revision at a time: what it would tell, and who led.
#[derive(Default)]
struct Store {
    keys: BTreeMap<Vec<u8>, KeyValue>,
    revision: i64,
}

impl Store {
    fn turn(&mut self, name: u8, is_delete: bool) -> Change {
        let name = if name == 0 { "deep/er".to_owned() } else { name.to_string() };
        self.revision += 1;
        let key = key(&name);
        if is_delete {
            self.keys.remove(&key);
            return Change::Delete { key, revision: self.revision };
        }
        let created = self.keys.get(&key).map_or(self.revision, |kv| kv.create_revision);
        let put = kv(&name, created, self.revision);
        self.keys.insert(key, put.clone());
        Change::Put(put)
    }

    fn snapshot(&self) -> Update {
        snapshot(self.revision, self.keys.values().cloned().collect())
    }

    fn leader(&self) -> Option<KeyValue> {
        let candidates = self.keys.values().filter(|kv| kv.key != key("deep/er"));
        candidates.min_by_key(|kv| kv.create_revision).cloned()
    }
}

proptest! {
    /// However the events arrive, one by one, coalesced or replaced by a snapshot: what is shown has been, in that
    /// order, each once in a row, and in the end it is what is.
    #[test]
    fn the_leaders_are_shown_as_they_led(
        turns in proptest::collection::vec((0u8..5, proptest::bool::weighted(0.4), 0u8..10), 1..150)
    ) {
        let mut store = Store::default();
        let mut picture = Picture::new(QUEUE.to_owned());
        let mut led = vec![None];
        let mut shown = vec![picture.update(store.snapshot()).expect("the present state")];
        // The newest of each key, as long as the consumer sleeps.
        let mut asleep: Vec<Change> = Vec::new();
        for (name, is_delete, pace) in turns {
            let change = store.turn(name, is_delete);
            if led.last() != Some(&store.leader()) {
                led.push(store.leader());
            }
            asleep.retain(|older| older.key() != change.key());
            asleep.push(change);
            match pace {
                0..3 => {}
                3 => {
                    asleep.clear();
                    shown.extend(picture.update(store.snapshot()));
                }
                _ => {
                    let last = asleep.len() - 1;
                    for (n, change) in asleep.drain(..).enumerate() {
                        let (revision, settled) = (change.revision(), n == last);
                        let update = Update::Events { revision, changes: vec![change], coalesced: last > 0, settled };
                        shown.extend(picture.update(update));
                    }
                    prop_assert_eq!(shown.last(), Some(&store.leader()));
                }
            }
        }
        shown.extend(picture.update(store.snapshot()));
        prop_assert_eq!(shown.last(), Some(&store.leader()));
        prop_assert!(shown.windows(2).all(|pair| pair[0] != pair[1]));
        let mut led = led.iter();
        prop_assert!(shown.iter().all(|shown| led.any(|led| led == shown)), "shown in the order in which they led");
        let tokens: Vec<_> = shown.iter().flatten().map(|kv| kv.create_revision).collect();
        prop_assert!(tokens.is_sorted(), "never an older one");
    }
}
