//! Who is first, or next before us, among the keys below a queue's prefix, whoever wrote them.

use crate::error::Result;
use crate::keyspace::only_segment;
use crate::kv::{Door, KeyValue};
use crate::range::{Order, Range};

/// The first contender, with its value.
pub(super) async fn first(door: &Door, queue: &str) -> Result<Option<KeyValue>> {
    let found = door.list(Range::prefix(queue).order(Order::OldestCreated).limit(1)).await?;
    let revision = found.revision;
    let shown = found.kvs.first().map(|kv| kv.key.clone());
    match extreme(door, queue, found.kvs, revision, i64::MAX, Order::OldestCreated).await? {
        // Found among all keys, which were read without their values.
        Some(kv) if shown.is_some_and(|shown| shown != kv.key) => {
            Ok(door.list(Range::key(kv.key).at_revision(revision)).await?.kvs.pop())
        }
        first => Ok(first),
    }
}

/// How many keys were there before the one that was put at `revision`: contenders, and keys of longer names.
pub(super) async fn count_before(door: &Door, queue: &str, revision: i64) -> Result<u64> {
    let all = door.list(Range::prefix(queue).at_revision(revision).count_only()).await?;
    Ok(all.count.saturating_sub(1))
}

/// The contender that comes first in `order`, created at or before `until`. `found` is the answer to a query of limit
/// one; when that is a key of a longer name, all are read, keys only, at that revision (0: now), and sorted out.
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
    let all = door.list_all(Range::prefix(queue).at_revision(revision).keys_only()).await?;
    let contenders = all.kvs.into_iter().filter(is_contender);
    Ok(match order {
        Order::NewestCreated => contenders.max_by_key(|kv| kv.create_revision),
        _ => contenders.min_by_key(|kv| kv.create_revision),
    })
}
