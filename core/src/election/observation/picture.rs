//! What an observer knows: the candidates, by what a watch tells of them, and so who leads. No I/O.

use std::collections::{BTreeMap, HashMap};

use crate::keyspace::only_segment;
use crate::kv::KeyValue;
use crate::watch::{Change, Update};

/// The candidates of an election.
#[derive(Debug)]
pub(super) struct Picture {
    /// The queue's prefix, with its trailing slash.
    queue: String,
    /// In the order in which they lead: of their creation; those of one transaction by their names.
    candidates: BTreeMap<(i64, Vec<u8>), KeyValue>,
    /// When each was created.
    created: HashMap<Vec<u8>, i64>,
    /// What was told last: nothing yet, or the leader's key, or that there is none.
    told: Option<Option<KeyValue>>,
}

impl Picture {
    pub(super) fn new(queue: String) -> Self {
        Self { queue, candidates: BTreeMap::new(), created: HashMap::new(), told: None }
    }

    /// Takes an update of the queue's watch. Some is news: another leader, another value of it, or none any more.
    pub(super) fn update(&mut self, update: Update) -> Option<Option<KeyValue>> {
        let settled = match update {
            Update::Connected(_) => false,
            Update::Resync(snapshot) => {
                self.candidates.clear();
                self.created.clear();
                snapshot.kvs.into_iter().for_each(|kv| self.put(kv));
                true
            }
            Update::Events { changes, settled, .. } => {
                for change in changes {
                    match change {
                        Change::Put(kv) => self.put(kv),
                        Change::Delete { key, .. } => self.delete(&key),
                    }
                }
                settled
            }
        };
        // In the middle of coalesced changes somebody may seem to lead who never did.
        settled.then(|| self.news()).flatten()
    }

    fn put(&mut self, kv: KeyValue) {
        if only_segment(self.queue.as_bytes(), &kv.key).is_none() {
            return;
        }
        // Coalescing may have hidden that it was deleted, and came back behind the others.
        self.delete(&kv.key);
        self.created.insert(kv.key.clone(), kv.create_revision);
        self.candidates.insert((kv.create_revision, kv.key.clone()), kv);
    }

    fn delete(&mut self, key: &[u8]) {
        if let Some((key, created)) = self.created.remove_entry(key) {
            self.candidates.remove(&(created, key));
        }
    }

    fn news(&mut self) -> Option<Option<KeyValue>> {
        let leader = self.candidates.values().next();
        if self.told.as_ref().is_some_and(|told| told.as_ref() == leader) {
            return None;
        }
        self.told = Some(leader.cloned());
        self.told.clone()
    }
}

#[cfg(test)]
mod tests;
