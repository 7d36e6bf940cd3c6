//! Who is first, or next before us, among the keys below a queue's prefix, whoever wrote them.

use crate::error::Result;
use crate::keyspace::only_segment;
use crate::kv::{Door, KeyValue, Listing};
use crate::txn::{Order, Range};

/// How many keys are read at once where foreign keys lie between the contenders.
const PAGE: u32 = 1000;

/// The contender that comes first in `order`, created at or before `until`. `found` is the answer to a query of limit
/// one; when that is a key of a longer name, all are read, keys only, paged at that revision, and sorted out.
pub(super) async fn extreme(
    door: &Door,
    queue: &str,
    mut found: Vec<KeyValue>,
    revision: i64,
    until: i64,
    order: Order,
) -> Result<Option<KeyValue>> {
    let is_contender = |kv: &KeyValue| only_segment(queue.as_bytes(), &kv.key).is_some() && kv.create_revision <= until;
    match found.pop() {
        None => return Ok(None),
        Some(kv) if is_contender(&kv) => return Ok(Some(kv)),
        Some(_) => {}
    }
    let all = Range::prefix(queue);
    let (mut from, end) = (all.key, all.end);
    let mut best: Option<KeyValue> = None;
    loop {
        let page = Range::between(from, end.clone()).at_revision(revision).limit(PAGE).keys_only();
        let Listing { kvs, more, .. } = door.list(page).await?;
        let next = kvs.last().map(|last| [last.key.as_slice(), &[0]].concat());
        for kv in kvs.into_iter().filter(is_contender) {
            let better = best.as_ref().is_none_or(|best| match order {
                Order::NewestCreated => kv.create_revision > best.create_revision,
                _ => kv.create_revision < best.create_revision,
            });
            if better {
                best = Some(kv);
            }
        }
        match next {
            Some(next) if more => from = next,
            _ => return Ok(best),
        }
    }
}
