//! What really was, as etcd itself has kept it: replayed by a plain client, judged by rules of their own.

use std::collections::BTreeMap;

use crate::story::SOON;
use etcd_client::{EventType, WatchOptions};
use tokio::time::timeout;

/// Who leads, as those compare it who do not care when it was written.
pub type Pair = Option<(i64, String)>;

/// Everything that happened to one election, and to a journal that its leaders write.
pub struct History {
    /// Who led, in order; first nobody.
    pub led: Vec<Pair>,
    /// The tokens in the journal, each with that of who led at that moment.
    pub journal: Vec<(i64, Option<i64>)>,
}

impl History {
    /// Replays everything since the store began. Nothing may have been compacted.
    pub async fn replay(etcd: &etcd_client::Client, queue: &str, journal: &str) -> History {
        const END: &str = "/end-of-history";
        etcd.kv_client().put(END, "", None).await.expect("a put on the healthy path");
        let options = WatchOptions::new().with_all_keys().with_start_revision(1);
        let mut stream = etcd.watch_client().watch("", Some(options)).await.expect("a plain watch");
        let mut history = History { led: vec![None], journal: Vec::new() };
        let mut candidates: BTreeMap<i64, (Vec<u8>, String)> = BTreeMap::new();
        loop {
            let message = timeout(SOON, stream.message()).await.expect("in time").expect("readable").expect("goes on");
            for event in message.events() {
                let kv = event.kv().expect("a key");
                let value = String::from_utf8_lossy(kv.value()).into_owned();
                if kv.key() == END.as_bytes() {
                    return history;
                }
                if kv.key() == journal.as_bytes() {
                    let leader = candidates.keys().next().copied();
                    history.journal.push((value.parse().expect("a token"), leader));
                }
                if kv.key().strip_prefix(queue.as_bytes()).is_none_or(|name| name.contains(&b'/')) {
                    continue;
                }
                candidates.retain(|_, (key, _)| key != kv.key());
                if event.event_type() == EventType::Put {
                    candidates.insert(kv.create_revision(), (kv.key().to_vec(), value));
                }
                let leader = candidates.first_key_value().map(|(token, (_, identity))| (*token, identity.clone()));
                if history.led.last() != Some(&leader) {
                    history.led.push(leader);
                }
            }
        }
    }

    /// That somebody saw what was, in that order, up to what is now. Gives how much of it was missed.
    ///
    /// # Panics
    /// When it did not.
    pub fn judge(&self, who: &str, seen: &[Pair]) -> usize {
        let mut led = self.led.iter();
        for (n, pair) in seen.iter().enumerate() {
            assert!(led.any(|led| led == pair), "{who} saw {pair:?} after {:?}\n{:?}", &seen[..n], self.led);
        }
        assert_eq!(seen.last(), self.led.last(), "{who}: the final state");
        let missed = self.led.len() - seen.len();
        println!("{who} has missed {missed} of {}", self.led.len());
        missed
    }
}
