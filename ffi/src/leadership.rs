//! Election: a leadership
//!
//! What whoever leads may believe, says to others, and gives back.

use std::ffi::{CString, c_char, c_void};
use std::sync::Arc;

use gocore_etcd_core::Leadership;
use gocore_etcd_core::bridge::{Limit, Owned, or_key};

use crate::args::{Handle, cancel_token, handle, limit, text};
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::ClientShared;
use crate::entry_point::{OK, enter, getter, given_up, wait_lost};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::kv::{Put, gocore_etcd_put_options};
use crate::leader::gocore_etcd_leader;
use crate::out::{self, Out, Plain};

/// A leadership. It lives until it is resigned, freed or lost, however it was waited for.
///
/// Ownership: freed with gocore_etcd_leadership_free; it keeps its client alive. Threads: any number at once.
pub struct gocore_etcd_leadership {
    shared: Owned<Arc<LeadershipShared>>,
    key: CString,
    token: i64,
}

/// Held by calls that are short, so that freeing the handle resigns soon.
pub(crate) struct LeadershipShared {
    /// A candidacy holds it too.
    pub(crate) leadership: Arc<Leadership>,
    pub(crate) client: Arc<ClientShared>,
}

impl Handle for gocore_etcd_leadership {
    type Shared = LeadershipShared;
    fn shared(&self) -> &Owned<Arc<LeadershipShared>> {
        &self.shared
    }
}

impl gocore_etcd_leadership {
    pub(crate) fn new(leadership: impl Into<Arc<Leadership>>, client: Arc<ClientShared>) -> Self {
        let leadership = leadership.into();
        // A name with NUL is refused by the core.
        let key = CString::new(leadership.key()).unwrap_or_default();
        let token = leadership.token();
        Self { shared: Owned::new(Arc::new(LeadershipShared { leadership, client })), key, token }
    }
}

/// The full key of the election in etcd, without the candidate's part: for reading and watching keys. Functions of elections
/// take the key below the prefix, and would take this one for that of another election: gocore_etcd_leadership_leader and
/// gocore_etcd_leadership_observe ask about this one.
///
/// Ownership: text that lives as long as `leadership`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_key(leadership: *const gocore_etcd_leadership) -> *const c_char {
    getter(leadership, std::ptr::null(), |leadership| leadership.key.as_ptr())
}

/// What this leader is known as: what it has proclaimed last, at first what it campaigned with. `*identity` is a text of
/// the caller's own, because proclaiming changes it.
///
/// Ownership: the caller frees `*identity` with gocore_etcd_string_free, and `*err`. Threads: any; never waits. Errors:
/// INVALID_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_identity(
    leadership: *const gocore_etcd_leadership,
    identity: *mut *mut c_char,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.identity";
    enter(op, err, || {
        let out = Out::new(op, "identity", identity)?;
        let leadership = handle(op, "leadership", leadership)?;
        // The core takes no identity with NUL.
        out.give_text(CString::new(&*leadership.leadership.identity()).unwrap_or_default());
        Ok(OK)
    })
}

/// The fencing token: strictly increasing over the leaders of this key, until the cluster is restored from a backup. Give it
/// to systems that can refuse a lower one.
///
/// Ownership: borrows `leadership`; NULL gives 0. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_token(leadership: *const gocore_etcd_leadership) -> i64 {
    getter(leadership, 0, |leadership| leadership.token)
}

/// Whether this still leads: a wait-free read that compares clocks itself. Once false it stays false.
///
/// Ownership: borrows `leadership`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_is_leader(leadership: *const gocore_etcd_leadership) -> bool {
    let op = "leadership.is_leader";
    getter(leadership, false, |leadership| leadership.shared.get(op).is_ok_and(|shared| shared.leadership.is_leader()))
}

/// Waits until this leads no longer: lost, or resigned.
///
/// GOCORE_ETCD_STATUS_OK when that has happened; GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED when it still leads after
/// `timeout_ms`: that is no error, `*err` stays NULL. `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit. `cancel`
/// may be NULL.
///
/// Ownership: borrows `leadership`, which may be freed meanwhile by another thread; the caller frees `*err`. Threads: any;
/// blocks. Errors: INVALID_ARGUMENT; CANCELLED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_wait_lost(
    leadership: *mut gocore_etcd_leadership,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.wait_lost";
    enter(op, err, || {
        let leadership = handle(op, "leadership", leadership)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let (lost, client) = (leadership.leadership.lost(), leadership.client.clone());
        // Waiting must not keep it.
        drop(leadership);
        wait_lost(&client.runtime, op, limit, cancel, lost)
    })
}

/// Changes the identity that others see; leadership and token stay. One at a time, in the order of the calls.
///
/// `identity`: as for gocore_etcd_election_campaign. `timeout_ms`: 0 is the client's request timeout, which is also the most
/// there is. Cost: one request, one proposal; one more after one that failed.
///
/// Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks. Errors: INVALID_ARGUMENT; LOST when this
/// leads no longer; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: with gocore_etcd_error_maybe_applied others may see
/// the new identity already or later, until the next proclamation settles it; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_proclaim(
    leadership: *mut gocore_etcd_leadership,
    identity: *const c_char,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.proclaim";
    enter(op, err, || {
        let leadership = handle(op, "leadership", leadership)?;
        let identity = text(op, "identity", identity)?.to_owned();
        let limit = limit(op, timeout_ms)?;
        let speaker = leadership.clone();
        let work = async move { speaker.leadership.proclaim(&identity).await };
        let proclaimed = leadership.client.wait(op, limit, work);
        proclaimed.map_err(|error| given_up(error, limit, leadership.leadership.key()))?;
        Ok(OK)
    })
}

/// Gives the leadership back; the next candidate has it at once. From the beginning of the call on this leads no longer.
/// Idempotent: a second call gives the result of the first. The handle is still to be freed.
///
/// `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
///
/// Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks for one request. Errors: INVALID_ARGUMENT;
/// LOST when it had been lost before; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the
/// background, and another call waits for that; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_resign(
    leadership: *mut gocore_etcd_leadership,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.resign";
    enter(op, err, || {
        let leadership = handle(op, "leadership", leadership)?;
        let limit = limit(op, timeout_ms)?;
        let resigning = leadership.clone();
        let resigned = leadership.client.wait(op, limit, async move { resigning.leadership.resign().await });
        resigned.map_err(|error| given_up(error, limit, leadership.leadership.key()))?;
        Ok(OK)
    })
}

/// Who leads this leadership's election now, whether it is this or another, also after it has ended: as
/// gocore_etcd_election_leader, for those who have a leadership and not its key below the prefix. `*leader` is the leader, or
/// NULL when nobody leads: that is GOCORE_ETCD_STATUS_OK too.
///
/// `timeout_ms`: 0 is the client's request timeout, which is also the most there is. Cost: one request, no proposal.
///
/// Ownership: borrows `leadership`; the caller frees `*leader` and `*err`. Threads: any; blocks. Errors: those of
/// gocore_etcd_election_leader. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_leader(
    leadership: *mut gocore_etcd_leadership,
    timeout_ms: i64,
    leader: *mut *mut gocore_etcd_leader,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.leader";
    enter(op, err, || {
        let out = Out::new(op, "leader", leader)?;
        let leadership = handle(op, "leadership", leadership)?;
        let limit = limit(op, timeout_ms)?;
        let asking = leadership.clone();
        let found = leadership.client.wait(op, limit, async move { asking.leadership.leader().await });
        if let Some(found) = found.map_err(|error| or_key(error, leadership.leadership.key()))? {
            out.give(found.into());
        }
        Ok(OK)
    })
}

/// Writes a key (absolute, as in gocore_etcd_kv_put) if this still leads when it arrives at etcd. `*revision` (which may be
/// NULL) is the revision of the write.
///
/// `options` may be NULL. `timeout_ms`: 0 is the client's request timeout.
///
/// Ownership: borrows `leadership`; the caller frees `*err`. Threads: any; blocks for one request. Errors: LOST when it
/// leads no longer, here or in etcd: nothing was written; otherwise those of gocore_etcd_kv_put. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_put(
    leadership: *mut gocore_etcd_leadership,
    key: *const c_void,
    key_len: usize,
    value: *const c_void,
    value_len: usize,
    options: *const gocore_etcd_put_options,
    timeout_ms: i64,
    revision: *mut i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.put";
    enter(op, err, || {
        let out = Plain::new(revision);
        let leadership = handle(op, "leadership", leadership)?;
        let put = Put::read(op, (key, key_len), (value, value_len), options, timeout_ms)?;
        let (writer, options) = (leadership.clone(), put.options());
        let write = async move { writer.leadership.put_with(put.key, put.value, options).await };
        out.put(leadership.client.wait(op, Limit::Never, write)?);
        Ok(OK)
    })
}

/// Frees a leadership. One that still leads is given back in the background; gocore_etcd_client_close waits for that. NULL
/// is allowed.
///
/// Ownership: takes `leadership`. Threads: any; never waits. Errors: none; after a fork it does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_free(leadership: *mut gocore_etcd_leadership) {
    out::free(leadership);
}
