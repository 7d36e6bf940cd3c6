//! Election: callbacks
//!
//! Campaigning without blocking, hearing of a loss, and watching who leads.

use std::ffi::{c_char, c_void};
use std::ptr;

use futures_util::{Stream, stream};
use gocore_etcd_core::bridge::{checked_campaign, invalid};
use gocore_etcd_core::{ErrorKind, Observation, Result};

use crate::args::{cancel_token, handle, limit, text};
use crate::callback::completion::Completion;
use crate::callback::loss;
use crate::callback::stream::subscribe;
use crate::callback::user_data::UserData;
use crate::cancel::gocore_etcd_cancel_token;
use crate::client::{ClientShared, gocore_etcd_client};
use crate::election::{Candidate, gocore_etcd_election_options};
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::leader::gocore_etcd_leader;
use crate::leadership::gocore_etcd_leadership;
use crate::lock_events::gocore_etcd_lost_callback;
use crate::out::Out;
use crate::subscription::{gocore_etcd_subscription, gocore_etcd_user_free};

/// What gocore_etcd_election_campaign_async came to. With GOCORE_ETCD_STATUS_OK `leadership` is the leadership and `err`
/// NULL, otherwise `leadership` is NULL; the callback owns both, and frees them.
pub type gocore_etcd_leadership_callback = Option<
    extern "C" fn(
        user_data: *mut c_void,
        status: gocore_etcd_status,
        leadership: *mut gocore_etcd_leadership,
        err: *mut gocore_etcd_error,
    ),
>;

/// Receives who leads, in the order in which they lead. `leader` is NULL when nobody does, and when `problem` is not NULL:
/// then it cannot be said who, because somebody leads whose identity is not UTF-8 (MALFORMED), or because etcd refuses to
/// tell (PERMISSION_DENIED, UNAUTHENTICATED). The next change is told all the same. Both are borrowed for the call;
/// gocore_etcd_leader_clone keeps a leader.
pub type gocore_etcd_leader_callback =
    Option<extern "C" fn(user_data: *mut c_void, leader: *const gocore_etcd_leader, problem: *const gocore_etcd_error)>;

/// The same, not NULL.
type LeaderCallback =
    extern "C" fn(user_data: *mut c_void, leader: *const gocore_etcd_leader, problem: *const gocore_etcd_error);

/// Begins to campaign for the leadership of `key`; `callback` runs exactly once with what came of it, possibly before this
/// returns.
///
/// The other parameters are those of gocore_etcd_election_campaign. Cancelling, expiry and closing complete it with
/// CANCELLED, DEADLINE_EXCEEDED and CLOSED; when success is quicker, success it is. Freeing the client's handle changes
/// nothing.
///
/// Ownership: the callback owns its leadership and error; `user_data` is given back by `user_free` after it, or before this
/// returns with a failure; the caller frees `*err`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED when the
/// client is closed already; RESOURCE_EXHAUSTED when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_campaign_async(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    identity: *const c_char,
    options: *const gocore_etcd_election_options,
    timeout_ms: i64,
    cancel: *const gocore_etcd_cancel_token,
    callback: gocore_etcd_leadership_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.campaign_async";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let client = handle(op, "client", client)?;
        let Candidate { key, identity, ttl } = Candidate::read(op, key, identity, options)?;
        let limit = limit(op, timeout_ms)?;
        let cancel = cancel_token(op, cancel)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        let work = checked_campaign(&client.client, &key, &identity, ttl)?;
        Completion { callback, user, key }.start(op, &client, (limit, cancel), work, gocore_etcd_leadership::new)?;
        Ok(OK)
    })
}

/// Has `callback` run once when the leadership is lost; at once when it was lost already. Never when it is given back (by
/// gocore_etcd_leadership_resign, by freeing it, by closing the client): then the subscription ends. `*subscription` is the
/// subscription.
///
/// Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
/// Threads: any; never waits. The subscription does not keep the leadership. Errors: INVALID_ARGUMENT; RESOURCE_EXHAUSTED
/// when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_on_lost(
    leadership: *mut gocore_etcd_leadership,
    callback: gocore_etcd_lost_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.on_lost";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let leadership = handle(op, "leadership", leadership)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        loss::subscribe(op, &leadership.client, out, leadership.leadership.loss(), callback, user)?;
        Ok(OK)
    })
}

/// Has `callback` run with who leads `key` now, also when nobody does, and from then on at every change; a proclamation is a
/// change with the same token. `*subscription` is the subscription. No candidacy is needed, and nobody need ever have been a
/// candidate.
///
/// A leader that leads no longer may be left out if the callback was slow or etcd was away; none comes after a later one. A
/// cluster that was restored from a backup begins anew: then a leader with a lower token may come. That etcd is away is
/// waited out. The observation goes on after gocore_etcd_client_free, until the subscription is
/// cancelled or freed; gocore_etcd_client_close ends it: then no further callback begins. That it is over, `user_free`
/// tells.
///
/// Cost: one read for every 1,000 candidates, and one message for each that comes, proclaims or goes. The first watch or
/// observation of a client opens a stream, which the others share.
///
/// Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
/// Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then
/// the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_election_observe(
    client: *mut gocore_etcd_client,
    key: *const c_char,
    callback: gocore_etcd_leader_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "election.observe";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let client = handle(op, "client", client)?;
        let key = text(op, "key", key)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        let observation = client.client.observe(key)?;
        tell(op, &client, observation, callback, user, out)
    })
}

/// Has `callback` run with who leads this leadership's election now, and from then on at every change, also after it has
/// ended: as gocore_etcd_election_observe, for those who have a leadership and not its key below the prefix. `*subscription`
/// is the subscription; it does not keep the leadership.
///
/// Cost: that of gocore_etcd_election_observe.
///
/// Ownership: borrows `leadership`, which may be freed; the caller frees `*subscription` (which ends it) and `*err`;
/// `user_data` is given back by `user_free`. Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED
/// when the system gives no thread. Then the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_leadership_observe(
    leadership: *mut gocore_etcd_leadership,
    callback: gocore_etcd_leader_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "leadership.observe";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let leadership = handle(op, "leadership", leadership)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        tell(op, &leadership.client, leadership.leadership.observe()?, callback, user, out)
    })
}

/// Starts the subscription by which `callback` hears of leaders.
fn tell(
    op: &'static str,
    client: &ClientShared,
    observation: Observation,
    callback: LeaderCallback,
    user: UserData,
    out: Out<gocore_etcd_subscription>,
) -> Result<gocore_etcd_status> {
    let call = move |user_data, leader: Result<Option<gocore_etcd_leader>>| match leader {
        Ok(leader) => callback(user_data, leader.as_ref().map_or(ptr::null(), ptr::from_ref), ptr::null()),
        Err(problem) => callback(user_data, ptr::null(), &problem.into()),
    };
    subscribe(op, client, leaders(observation), user, call, |events| out.give(events.into()))?;
    Ok(OK)
}

/// What an observation yields until its client is closed.
fn leaders(observation: Observation) -> impl Stream<Item = Result<Option<gocore_etcd_leader>>> + Send {
    stream::unfold(observation, |mut observation| async {
        match observation.next().await {
            Err(error) if error.kind() == ErrorKind::Closed => None,
            leader => Some((leader.map(|leader| leader.map(Into::into)), observation)),
        }
    })
}
