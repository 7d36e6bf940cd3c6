//! Where a watch stands: what it has seen, what an answer of the server means, where to resume. No I/O.

use super::{Cause, Change};

/// An answer of the server to one watch, decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) cluster: u64,
    /// raft's, which only a restored store begins anew.
    pub(super) term: u64,
    pub(super) revision: i64,
    pub(super) canceled: bool,
    pub(super) compact_revision: i64,
    pub(super) created: bool,
    pub(super) events: Vec<Change>,
}

/// What to do about a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// New changes, in revision order; may be empty.
    Deliver(Vec<Change>),
    /// The watch has begun at "now", and the store has changed since the revision it was asked for: read what there is
    /// once, then go on.
    Gap,
    /// The events from here on cannot be had any more: list again.
    Overtaken(Cause),
    /// The server ended this watch for another reason: resume it.
    Resume,
}

#[derive(Clone, Debug)]
pub(super) struct Cursor {
    /// The first revision not yet seen; when the watch begins at "now", meaningless until it has begun.
    next: i64,
    /// Begins at "now"; up to this revision it is known what there is.
    now_after: Option<i64>,
    /// Which cluster it was seen in; revisions of another one mean nothing here.
    cluster: Option<u64>,
    /// The highest term it was seen in.
    term: u64,
}

impl Cursor {
    /// From `revision` on, inclusive.
    pub(super) fn new(revision: i64) -> Self {
        // Zero would mean "now" to the server, and a gap.
        Self { next: revision.max(1), now_after: None, cluster: None, term: 0 }
    }

    /// From "now" on; `known` is the revision up to which the consumer knows what there is.
    ///
    /// A watch from a revision that lies behind the store is late: etcd gives such watches what they missed in turns of
    /// 100 ms, and until then nothing else. One from "now" is not, and a gap costs one read.
    pub(super) fn now(known: i64) -> Self {
        Self { next: 1, now_after: Some(known), cluster: None, term: 0 }
    }

    /// Where to begin or resume; None is "now".
    pub(super) fn start(&self) -> Option<i64> {
        self.now_after.is_none().then_some(self.next)
    }

    pub(super) fn step(&mut self, message: Message) -> Step {
        if message.canceled {
            return if message.compact_revision > 0 { Step::Overtaken(Cause::Compacted) } else { Step::Resume };
        }
        if self.cluster.is_some_and(|cluster| cluster != message.cluster) {
            return Step::Overtaken(Cause::OtherCluster);
        }
        // When it resumes, a store behind what was seen, or in an earlier term, is one restored from a backup. At its first
        // creation it is only a member that lags the one the start was read from; one that lags at a resume costs a list.
        let is_behind = message.revision.saturating_add(1) < self.next || message.term < self.term;
        if self.cluster.is_some() && message.created && is_behind {
            return Step::Overtaken(Cause::StoreBehind);
        }
        self.cluster = Some(message.cluster);
        self.term = self.term.max(message.term);
        if message.created
            && let Some(known) = self.now_after.take()
        {
            self.next = message.revision.saturating_add(1);
            return if message.revision > known { Step::Gap } else { Step::Deliver(Vec::new()) };
        }
        let is_progress = !message.created && message.events.is_empty();
        let mut events = message.events;
        events.retain(|change| change.revision() >= self.next);
        events.sort_by_key(Change::revision);
        if let Some(last) = events.last() {
            self.next = last.revision().saturating_add(1);
        } else if is_progress {
            // A progress notification: everything up to its revision was seen.
            self.next = self.next.max(message.revision.saturating_add(1));
        }
        Step::Deliver(events)
    }
}

#[cfg(test)]
mod tests;
