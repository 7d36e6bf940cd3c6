//! Election: a candidacy
//!
//! Campaigning in the background, for a service that goes on serving whether it leads or not: it queues, leads, and should
//! it lose its place or the leadership, it queues again, until it resigns.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::Arc;

use gocore_etcd_core::CandidacyState;
use gocore_etcd_core::bridge::{CancelToken, Limit, News, Operation, Owned, Standing};

use crate::args::{Handle, handle, limit};
use crate::callback::events::Events;
use crate::callback::stream::subscribe;
use crate::callback::user_data::UserData;
use crate::client::{ClientShared, gocore_etcd_client};
use crate::election::{Candidate, gocore_etcd_election_options};
use crate::entry_point::{OK, enter, getter, given_up};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::leadership::gocore_etcd_leadership;
use crate::out::{self, Out};
use crate::subscription::gocore_etcd_user_free;

/// On its way to leadership.
pub const GOCORE_ETCD_CANDIDACY_WAITING: i32 = 1;
/// It leads.
pub const GOCORE_ETCD_CANDIDACY_LEADING: i32 = 2;
/// It had a place or the leadership, and has neither now: its session died, because etcd could not be reached for a TTL,
/// or because somebody deleted its key. It queues again, at the end, as soon as it can.
pub const GOCORE_ETCD_CANDIDACY_LOST: i32 = 3;
/// It has ended: resigned, or its client was closed. Nothing comes after.
pub const GOCORE_ETCD_CANDIDACY_RESIGNED: i32 = 4;

/// A candidacy that goes on in the background.
///
/// Ownership: freed with gocore_etcd_candidacy_free, also inside its own callback; it keeps its client alive. Threads: any
/// number at once.
pub struct gocore_etcd_candidacy {
    shared: Owned<Arc<CandidacyShared>>,
    key: CString,
}

pub(crate) struct CandidacyShared {
    key: String,
    standing: Standing,
    client: Arc<ClientShared>,
    events: Arc<Events>,
}

impl Handle for gocore_etcd_candidacy {
    type Shared = CandidacyShared;
    fn shared(&self) -> &Owned<Arc<CandidacyShared>> {
        &self.shared
    }
}

/// Freeing the handle ends its callbacks; in a forked child there are none.
impl Drop for gocore_etcd_candidacy {
    fn drop(&mut self) {
        if let Ok(shared) = self.shared.get("candidacy.free") {
            shared.events.cancel();
        }
    }
}

/// Receives how a candidacy stands, in order: at first and at every change one of GOCORE_ETCD_CANDIDACY_…. `place`, while
/// waiting: how many are before it, as gocore_etcd_candidacy_place says. `token`, while leading: the fencing token.
///
/// `problem` is not NULL when campaigning fails for a reason that does not pass by itself (PERMISSION_DENIED,
/// UNAUTHENTICATED, RESOURCE_EXHAUSTED …): it is told once, `state` is what it was, and campaigning goes on. Borrowed for the
/// call.
pub type gocore_etcd_candidacy_callback = Option<
    extern "C" fn(user_data: *mut c_void, state: i32, place: u64, token: i64, problem: *const gocore_etcd_error),
>;

/// Campaigns for the leadership of `key` in the background, and has `callback` (which may be NULL) run with how it stands.
/// `*candidacy` is the candidacy.
///
/// `key`, `identity` and `options` are those of gocore_etcd_election_campaign. What fails because etcd is away is tried
/// again after at most 2 s, other failures too. A slow callback may miss states, but never that between two leaderships
/// there was none. After RESIGNED it is not called again; gocore_etcd_client_close resigns, and then no further callback
/// begins. That all is over, `user_free` tells.
///
/// Cost: that of gocore_etcd_election_campaign, and one read when it queues behind others, to know its place. While it waits
/// it sends nothing.
///
/// Ownership: the caller frees `*candidacy` (which ends it) and `*err`; `user_data` is given back by `user_free`. Threads:
/// any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then the
/// callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_candidacy(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    identity: *const c_char,
    options: *const gocore_etcd_election_options,
    callback: gocore_etcd_candidacy_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    candidacy: *mut *mut gocore_etcd_candidacy,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.candidacy";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "candidacy", candidacy)?;
        let client = handle(op, "client", client)?;
        let Candidate { key, identity, ttl } = Candidate::read(op, key, identity, options)?;
        let begun = client.client.candidacy(&key, &identity, ttl)?;
        let full = begun.key().to_owned();
        // A name with NUL is refused by the core.
        let key = CString::new(full.as_str()).unwrap_or_default();
        let (standing, stand) = Standing::of(begun);
        let news = standing.news();
        let mut state = CandidacyState::Waiting { place: None };
        let call = move |user_data, news: News| {
            let Some(callback) = callback else { return };
            let (problem, now) = match news {
                Ok(now) => (None, now),
                Err(problem) => (Some(gocore_etcd_error::from(problem)), state),
            };
            state = now;
            let problem = problem.as_ref().map_or(ptr::null(), ptr::from_ref);
            callback(user_data, number(state), place(state), token(state), problem);
        };
        subscribe(op, &client, news, user, call, |events| {
            let shared = CandidacyShared { key: full, standing, client: client.clone(), events };
            out.give(gocore_etcd_candidacy { shared: Owned::new(Arc::new(shared)), key });
        })?;
        // It ends when nobody can ask any more: with the handle.
        Operation::start(&client.runtime, op, Limit::Never, CancelToken::new(), stand, drop);
        Ok(OK)
    })
}

fn number(state: CandidacyState) -> i32 {
    match state {
        CandidacyState::Leading { .. } => GOCORE_ETCD_CANDIDACY_LEADING,
        CandidacyState::Lost => GOCORE_ETCD_CANDIDACY_LOST,
        CandidacyState::Resigned => GOCORE_ETCD_CANDIDACY_RESIGNED,
        // What a newer core may add: it does not lead.
        _ => GOCORE_ETCD_CANDIDACY_WAITING,
    }
}

fn place(state: CandidacyState) -> u64 {
    match state {
        CandidacyState::Waiting { place } => place.unwrap_or(0),
        _ => 0,
    }
}

fn token(state: CandidacyState) -> i64 {
    match state {
        CandidacyState::Leading { token } => token,
        _ => 0,
    }
}

/// How it stands now; NULL, and a handle of another process, give `zero`.
fn read<T: Copy>(candidacy: *const gocore_etcd_candidacy, zero: T, of: impl FnOnce(&Standing) -> T) -> T {
    getter(candidacy, zero, |candidacy| candidacy.shared.get("candidacy").map_or(zero, |shared| of(&shared.standing)))
}

/// The full key of the election in etcd, without the candidate's part: for reading and watching keys. Functions of elections
/// take the key below the prefix.
///
/// Ownership: text that lives as long as `candidacy`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_key(candidacy: *const gocore_etcd_candidacy) -> *const c_char {
    getter(candidacy, ptr::null(), |candidacy| candidacy.key.as_ptr())
}

/// How it stands now: one of GOCORE_ETCD_CANDIDACY_…. That it leads is as exact as gocore_etcd_leadership_is_leader.
///
/// Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_state(candidacy: *const gocore_etcd_candidacy) -> i32 {
    read(candidacy, 0, |standing| number(standing.state()))
}

/// While it waits: how many are before it, 1 when only the leader is. 0 as long as it has not queued, and when it does not
/// wait. An upper bound: counted when it queues, keys of longer names included, and then less one each time that the
/// candidate right before it goes.
///
/// Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_place(candidacy: *const gocore_etcd_candidacy) -> u64 {
    read(candidacy, 0, |standing| place(standing.state()))
}

/// While it leads: the fencing token, that of gocore_etcd_leadership_token. Otherwise 0.
///
/// Ownership: borrows `candidacy`; NULL gives 0. Threads: any; never waits. Errors: none; 0 after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_token(candidacy: *const gocore_etcd_candidacy) -> i64 {
    read(candidacy, 0, |standing| token(standing.state()))
}

/// Whether it leads now: a read that compares clocks itself.
///
/// Ownership: borrows `candidacy`; NULL gives false. Threads: any; never waits. Errors: none; false after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_is_leader(candidacy: *const gocore_etcd_candidacy) -> bool {
    read(candidacy, false, |standing| token(standing.state()) != 0)
}

/// The leadership while it leads, else NULL. Resigning it ends the candidacy. Freed, it changes nothing: the candidacy holds
/// the leadership too; a handle that is kept goes on leading after the candidacy was freed.
///
/// Ownership: the caller frees what it gives with gocore_etcd_leadership_free; NULL gives NULL. Threads: any; never waits.
/// Errors: none; NULL after a fork. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_leadership(
    candidacy: *const gocore_etcd_candidacy,
) -> *mut gocore_etcd_leadership {
    getter(candidacy, ptr::null_mut(), |candidacy| {
        let Ok(shared) = candidacy.shared.get("candidacy.leadership") else { return ptr::null_mut() };
        let leadership = shared.standing.leadership();
        leadership.map_or(ptr::null_mut(), |leadership| {
            Box::into_raw(Box::new(gocore_etcd_leadership::new(leadership, shared.client.clone())))
        })
    })
}

/// Ends the candidacy: gives the leadership back, or leaves the queue in the background. From the beginning of the call on
/// it does not lead. Idempotent. The handle is still to be freed.
///
/// `timeout_ms`: 0 is the client's request timeout, which is also the most there is.
///
/// Ownership: borrows `candidacy`; the caller frees `*err`. Threads: any; blocks for one request if it led. Errors:
/// INVALID_ARGUMENT; UNAVAILABLE or DEADLINE_EXCEEDED when etcd is away: then it is given back in the background, and another
/// call waits for that; CLOSED. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_resign(
    candidacy: *mut gocore_etcd_candidacy,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "candidacy.resign";
    enter(op, err, || {
        let candidacy = handle(op, "candidacy", candidacy)?;
        let limit = limit(op, timeout_ms)?;
        let resigning = candidacy.clone();
        let resigned = candidacy.client.wait(op, limit, async move { resigning.standing.resign(op).await });
        resigned.map_err(|error| given_up(error, limit, &candidacy.key))?;
        Ok(OK)
    })
}

/// Ends the callbacks of a candidacy, not the candidacy, and waits until the one that runs has returned and `user_free` has
/// run, which may be on this thread.
///
/// `timeout_ms`: 0 and GOCORE_ETCD_WAIT_FOREVER are no limit.
///
/// Ownership: borrows `candidacy`; the caller frees `*err`. Threads: any, but not inside a callback or a `user_free` (the
/// work of gocore_etcd_election_run is none); blocks. Errors: INVALID_ARGUMENT; WRONG_CONTEXT there, where nothing is done;
/// DEADLINE_EXCEEDED when a callback still runs: none begins any more. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_cancel_wait(
    candidacy: *mut gocore_etcd_candidacy,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "candidacy.cancel_wait";
    enter(op, err, || {
        let candidacy = handle(op, "candidacy", candidacy)?;
        let limit = limit(op, timeout_ms)?;
        candidacy.events.cancel_wait(op, limit).map(|()| OK)
    })
}

/// Frees a candidacy, which ends it in the background, its callbacks too: none begins after this has returned. A leadership
/// that somebody has from gocore_etcd_candidacy_leadership lives until that is freed too. gocore_etcd_client_close waits for
/// what is to be given back. NULL is allowed.
///
/// Ownership: takes `candidacy`; `user_data` is given back once no callback runs. Threads: any, also inside its own callback;
/// never waits. Errors: none; after a fork it does nothing. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_candidacy_free(candidacy: *mut gocore_etcd_candidacy) {
    out::free(candidacy);
}
