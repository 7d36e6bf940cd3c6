//! Election
//!
//! One leader at a time among the candidates for a key, in order of arrival, and anybody may ask who it is or watch it.
//!
//! A leadership is lost here before the server can elect the next, while clocks run at the same rate within the margin (2 %
//! of the TTL, at least 50 ms, at most 500 ms) and the server keeps its leases: no revoke, delete or restore by hand, and one
//! of etcd >= 3.4.38, 3.5.23, 3.6.5. Beyond that the fencing token protects: guarded writes to etcd always, other systems
//! where they check it. Tokens order leaders until the cluster is restored from a backup; then they begin anew.
//!
//! Programs that use the Go package go-core/etcd are candidates and observers of the same elections. Do not campaign for a
//! shorter key ("jobs") while leading a longer one ("jobs/1"): a Go program may wait on "jobs" for every key below it.
//!
//! A candidate has an identity, any text by which others find it. Three ways to lead: gocore_etcd_election_campaign waits
//! for it, gocore_etcd_election_candidacy goes for it in the background, gocore_etcd_election_run has the work begun and
//! stopped too.
//!
//! Costs: campaigning and resigning are 2 requests and 2 proposals in all, as long as another lock or leadership of the same
//! TTL was held within the last TTL. A candidate that waits sends nothing; one resignation wakes one candidate.

use std::ffi::c_char;
use std::time::Duration;

use gocore_etcd_core::bridge::{Limit, or_key};
use gocore_etcd_core::{ErrorKind, Result};

use crate::args::{Input, cancel_token, handle, input, limit, milliseconds, text};
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::gocore_etcd_client;
use crate::entry_point::{OK, enter, wait};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::leader::gocore_etcd_leader;
use crate::leadership::gocore_etcd_leadership;
use crate::out::Out;

/// How to be a candidate.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_election_options {
    /// Set by GOCORE_ETCD_ELECTION_OPTIONS_INIT.
    pub struct_size: usize,
    /// How long after the death of this process, or the loss of its network, the next leads. 0: 15,000; below 1,000 is
    /// raised to that; rounded up to whole seconds; what the server grants counts.
    pub ttl_ms: i64,
}

// SAFETY: repr(C), begins with the size; numbers.
unsafe impl Input for gocore_etcd_election_options {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, ttl_ms) + size_of::<i64>();
}

/// Who campaigns for what.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(crate) key: String,
    pub(crate) identity: String,
    pub(crate) ttl: Duration,
}

impl Candidate {
    pub(crate) fn read(
        op: &'static str,
        key: *const c_char,
        identity: *const c_char,
        options: *const gocore_etcd_election_options,
    ) -> Result<Self> {
        let (key, identity) = (text(op, "key", key)?.to_owned(), text(op, "identity", identity)?.to_owned());
        let ttl_ms = input(op, "options", options)?.map_or(0, |options| options.ttl_ms);
        Ok(Self { key, identity, ttl: milliseconds(op, "options.ttl_ms", ttl_ms)? })
    }
}

/// Campaigns for the leadership of `key` and waits for it, in order of arrival. `*leadership` is the leadership, or NULL on
/// failure.
///
/// `key` lies below the client's prefix; surrounding slashes are trimmed, inner ones kept: "jobs" and "jobs/1" are two
/// elections. `identity` is what observers see of this candidate once it leads: any text that is not blank, at most 1 MiB.
/// `options` may be NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit; each single request has the client's
/// request timeout all the same. `cancel` may be NULL. After cancel or expiry the place in the queue is given up in the
/// background.
///
/// Ownership: the caller frees `*leadership` and `*err`. Threads: any; blocks. Candidates of one process are as good as
/// those on different machines. Errors: INVALID_ARGUMENT; DEADLINE_EXCEEDED; CANCELLED; LOST when the session died while
/// waiting: the place in the queue is gone, call again; UNAVAILABLE; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_campaign(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    identity: *const c_char,
    options: *const gocore_etcd_election_options,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    leadership: *mut *mut gocore_etcd_leadership,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.campaign";
    enter(op, err, || {
        let out = Out::new(op, "leadership", leadership)?;
        let client = handle(op, "client", client)?;
        let Candidate { key, identity, ttl } = Candidate::read(op, key, identity, options)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let work = async move { caller.campaign(&name, &identity, ttl).await };
        let won = wait(&client.runtime, op, limit, cancel, work).map_err(|error| or_key(error, key))?;
        out.give(gocore_etcd_leadership::new(won, client));
        Ok(OK)
    })
}

/// Takes the leadership of `key` if nobody leads or campaigns for it; never disturbs a candidate.
///
/// GOCORE_ETCD_STATUS_NOT_ACQUIRED when somebody does: that is no error, `*err` stays NULL, and so does `*leadership`.
/// `key`, `identity` and `options` are those of gocore_etcd_election_campaign. `timeout_ms`: 0 is the client's request
/// timeout for each request.
///
/// Ownership: the caller frees `*leadership` and `*err`. Threads: any; blocks for a few requests, never for others. Errors:
/// INVALID_ARGUMENT; UNAVAILABLE, DEADLINE_EXCEEDED when etcd is away; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_try_campaign(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    identity: *const c_char,
    options: *const gocore_etcd_election_options,
    timeout_ms: i64,
    leadership: *mut *mut gocore_etcd_leadership,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.try_campaign";
    enter(op, err, || {
        let out = Out::new(op, "leadership", leadership)?;
        let client = handle(op, "client", client)?;
        let Candidate { key, identity, ttl } = Candidate::read(op, key, identity, options)?;
        let limit = limit(op, timeout_ms)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let won = client.wait(op, limit, async move { caller.try_campaign(&name, &identity, ttl).await });
        match won.map_err(|error| or_key(error, key))? {
            Some(won) => out.give(gocore_etcd_leadership::new(won, client)),
            None => return Ok(ErrorKind::NotAcquired.into()),
        }
        Ok(OK)
    })
}

/// Who leads `key` now. `*leader` is the leader, or NULL when nobody leads: that is GOCORE_ETCD_STATUS_OK too. No candidacy
/// is needed.
///
/// `timeout_ms`: 0 is the client's request timeout, which is also the most there is. Cost: one request, no proposal.
///
/// Ownership: the caller frees `*leader` and `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; MALFORMED, naming the
/// key, when the leader's identity is not UTF-8 (foreign programs may write what they like); UNAVAILABLE,
/// DEADLINE_EXCEEDED when etcd is away; PERMISSION_DENIED; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_leader(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    timeout_ms: i64,
    leader: *mut *mut gocore_etcd_leader,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.leader";
    enter(op, err, || {
        let out = Out::new(op, "leader", leader)?;
        let client = handle(op, "client", client)?;
        let key = text(op, "key", key)?.to_owned();
        let limit: Limit = limit(op, timeout_ms)?;
        let (caller, name) = (client.client.clone(), key.clone());
        let found = client.wait(op, limit, async move { caller.leader(&name).await });
        if let Some(found) = found.map_err(|error| or_key(error, key))? {
            out.give(found.into());
        }
        Ok(OK)
    })
}
