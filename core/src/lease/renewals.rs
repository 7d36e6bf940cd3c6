//! What to renew when: the decisions of one keep-alive stream, without I/O and without a clock of its own.
//!
//! A renewal is due at a third of the TTL after the sending of the last confirmed one, jittered; one is in flight per
//! lease. The server works a stream off one by one, so at most [`WINDOW`] are in flight, and of those that are due the
//! one that would be lost first goes first: a short TTL never queues behind a thousand long ones.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::Duration;

use super::{Lease, Ttl};
use crate::time::{BootTime, jittered};

/// How many renewals are in flight on a stream.
pub(super) const WINDOW: usize = 32;

/// How often a lease may end the stream for all before it gets one of its own.
const STRIKES: u8 = 2;

#[derive(Debug)]
struct Entry {
    lease: Lease,
    held_until: BootTime,
    renewal: Renewal,
    strikes: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewal {
    DueAt(BootTime),
    InFlight(BootTime),
}

/// What an answer meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Renewed,
    /// The lease is over and was taken out.
    Gone,
    /// Not one of ours, or not asked for.
    Stray,
}

/// The leases of one stream.
#[derive(Debug, Default)]
pub(super) struct Renewals {
    entries: HashMap<i64, Entry>,
    due: BTreeSet<(BootTime, i64)>,
    expiring: BTreeSet<(BootTime, i64)>,
    /// In the order of sending, which is the order of the answers.
    in_flight: VecDeque<i64>,
    last_answer: Option<BootTime>,
    /// How many streams in a row have ended without an answer.
    fruitless: u32,
}

impl Renewals {
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn add(&mut self, lease: Lease) {
        let id = lease.id();
        let held_until = lease.held_until();
        let due = lease.confirmed().plus(jittered(lease.ttl() / 3));
        self.due.insert((due, id));
        self.expiring.insert((held_until, id));
        self.entries.insert(id, Entry { lease, held_until, renewal: Renewal::DueAt(due), strikes: 0 });
    }

    pub(super) fn remove(&mut self, id: i64) -> Option<Lease> {
        let entry = self.entries.remove(&id)?;
        self.expiring.remove(&(entry.held_until, id));
        match entry.renewal {
            Renewal::DueAt(due) => {
                self.due.remove(&(due, id));
            }
            Renewal::InFlight(_) => self.in_flight.retain(|other| *other != id),
        }
        Some(entry.lease)
    }

    /// Takes out all.
    pub(super) fn take_all(&mut self) -> Vec<Lease> {
        std::mem::take(self).entries.into_values().map(|entry| entry.lease).collect()
    }

    /// Takes out the leases whose time is over at `now`.
    pub(super) fn expired(&mut self, now: BootTime) -> Vec<Lease> {
        let mut lost = Vec::new();
        while let Some(&(at, id)) = self.expiring.first() {
            if at > now {
                break;
            }
            lost.extend(self.remove(id));
        }
        lost
    }

    /// The lease to renew now, which then is in flight; None when the window is full or nothing is due.
    pub(super) fn next_to_send(&mut self, now: BootTime) -> Option<i64> {
        if self.in_flight.len() >= WINDOW {
            return None;
        }
        let urgency = |&(due, id): &(BootTime, i64)| (self.entries.get(&id).map(|entry| entry.held_until), due);
        let next = self.due.iter().take_while(|(due, _)| *due <= now).min_by_key(|each| urgency(each)).copied();
        let (due, id) = next?;
        self.due.remove(&(due, id));
        self.in_flight.push_back(id);
        if self.in_flight.len() == 1 {
            // Silence is counted from here, not from an answer long ago.
            self.last_answer = Some(now);
        }
        if let Some(entry) = self.entries.get_mut(&id) {
            entry.renewal = Renewal::InFlight(now);
        }
        Some(id)
    }

    /// The server answered: `ttl` seconds more, or none when the lease is gone.
    pub(super) fn answered(&mut self, id: i64, ttl: i64, now: BootTime) -> Answer {
        self.last_answer = Some(now);
        self.fruitless = 0;
        let Some(entry) = self.entries.get_mut(&id) else { return Answer::Stray };
        let Renewal::InFlight(sent) = entry.renewal else { return Answer::Stray };
        if ttl <= 0 || !entry.lease.confirm(Ttl::granted(ttl), sent, now) {
            let why = if ttl <= 0 { "the server says the lease is gone" } else { "its time was over" };
            entry.lease.lose(why);
            self.remove(id);
            return Answer::Gone;
        }
        self.in_flight.retain(|other| *other != id);
        self.expiring.remove(&(entry.held_until, id));
        entry.strikes = 0;
        entry.held_until = entry.lease.held_until();
        self.expiring.insert((entry.held_until, id));
        // From the sending: an answer that took long does not move the rhythm.
        let due = sent.plus(jittered(entry.lease.ttl() / 3));
        entry.renewal = Renewal::DueAt(due);
        self.due.insert((due, id));
        Answer::Renewed
    }

    /// The stream has ended: what was in flight is due again at once. When the server refused something (`blame`),
    /// it was the renewal it was working on; gives the lease that has now done so twice, taken out.
    pub(super) fn stream_ended(&mut self, blame: bool, now: BootTime) -> Option<Lease> {
        let culprit = self.in_flight.front().copied().filter(|_| blame);
        for id in std::mem::take(&mut self.in_flight) {
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.renewal = Renewal::DueAt(now);
                self.due.insert((now, id));
            }
        }
        self.last_answer = None;
        self.fruitless = self.fruitless.saturating_add(1);
        let entry = self.entries.get_mut(&culprit?)?;
        entry.strikes = entry.strikes.saturating_add(1);
        // Alone on its stream it has nobody to disturb.
        if entry.strikes >= STRIKES && self.entries.len() > 1 { self.remove(culprit?) } else { None }
    }

    /// When the stream counts as silent: something is in flight and no answer came for a sixth of the shortest TTL;
    /// for longer after streams that brought none, for the way may be a long one.
    fn silent_at(&self) -> Option<BootTime> {
        let shortest = self.in_flight.iter().filter_map(|id| self.entries.get(id)).map(|entry| entry.lease.ttl()).min();
        let patience = (shortest? / 6).clamp(Duration::from_millis(300), Duration::from_secs(2));
        let patience = patience * (1 << self.fruitless.min(3));
        Some(self.last_answer?.plus(patience))
    }

    pub(super) fn is_silent(&self, now: BootTime) -> bool {
        self.silent_at().is_some_and(|at| at <= now)
    }

    /// When the next lease is lost if nothing is heard.
    pub(super) fn next_expiry(&self) -> Option<BootTime> {
        self.expiring.first().map(|(at, _)| *at)
    }

    /// When to look again if nothing happens.
    pub(super) fn wake_at(&self) -> Option<BootTime> {
        let due = self.due.first().map(|(at, _)| *at).filter(|_| self.in_flight.len() < WINDOW);
        [due, self.next_expiry(), self.silent_at()].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests;
