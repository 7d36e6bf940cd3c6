//! Watch
//!
//! First what there is, then every change, in the order of revisions, none of them twice, for as long as the subscription
//! lives: over lost connections, restarts and failover. Where changes cannot be had any more (a compaction, a restored
//! cluster, a callback too slow for more than is kept) a snapshot takes their place; nothing is lost in silence.

use std::ffi::c_void;

use futures_util::{Stream, stream};
use gocore_etcd_core::bridge::invalid;
use gocore_etcd_core::{ErrorKind, KvWatch, Result};

use crate::args::handle;
use crate::callback::stream::subscribe;
use crate::callback::user_data::UserData;
use crate::client::gocore_etcd_client;
use crate::entry_point::{OK, enter};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::Out;
use crate::range::{self, Use, gocore_etcd_range_options};
use crate::subscription::{gocore_etcd_subscription, gocore_etcd_user_free};
use crate::watch_update::gocore_etcd_kv_update;

/// Receives what a watch tells, in order. `update` is borrowed for the call; gocore_etcd_kv_update_clone keeps it.
pub type gocore_etcd_kv_watch_callback =
    Option<extern "C" fn(user_data: *mut c_void, update: *const gocore_etcd_kv_update)>;

/// Has `callback` run with what the range holds, and from then on with each change of it: what `options` makes of `key`.
/// `*subscription` is the subscription.
///
/// `options` may be NULL: then it is this one key; of its fields `scope` and `end` are for watching. The range may be of any
/// size. The first update is a snapshot, apart from those of GOCORE_ETCD_UPDATE_CONNECTED, which tell of the connection
/// whenever that changes; at the beginning it counts as away. That etcd is away is waited out; that it does not let us
/// read the range is told once, by GOCORE_ETCD_UPDATE_PROBLEM, and tried again. For a slow callback up to 4,096 changes or
/// 32 MB are kept, then the newest of each key, then a snapshot is due.
///
/// The watch goes on after gocore_etcd_client_free, until the subscription is cancelled or freed; gocore_etcd_client_close
/// ends it: then no further callback begins. That it is over, `user_free` tells.
///
/// Cost: a snapshot is one request for every 1,000 keys. The first watch of a client opens a stream, a further one (up to
/// 1,000) is a message on it; changes cost no request.
///
/// Ownership: the caller frees `*subscription` (which ends it) and `*err`; `user_data` is given back by `user_free`.
/// Threads: any; never waits. Errors: INVALID_ARGUMENT; CLOSED; RESOURCE_EXHAUSTED when the system gives no thread. Then
/// the callback never runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_kv_watch(
    client: *mut gocore_etcd_client,
    key: *const c_void,
    key_len: usize,
    options: *const gocore_etcd_range_options,
    callback: gocore_etcd_kv_watch_callback,
    user_data: *mut c_void,
    user_free: gocore_etcd_user_free,
    subscription: *mut *mut gocore_etcd_subscription,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "kv.watch";
    // Whatever fails below gives it back.
    let user = UserData::new(user_data, user_free);
    enter(op, err, move || {
        let out = Out::new(op, "subscription", subscription)?;
        let client = handle(op, "client", client)?;
        let range = range::read(op, key, key_len, options, Use::Watch)?;
        let callback = callback.ok_or_else(|| invalid(op, "callback", "must not be NULL"))?;
        let watch = client.client.kv().watch(range)?;
        let call = move |user_data, update: Result<_>| match update {
            Ok(update) => callback(user_data, &update),
            // A bug inside: the watch ends, and `user_free` tells so.
            Err(error) => tracing::error!(%error, "a watch has ended"),
        };
        subscribe(op, &client, updates(watch), user, call, |events| out.give(events.into()))?;
        Ok(OK)
    })
}

/// What a watch yields until its client is closed.
fn updates(watch: KvWatch) -> impl Stream<Item = Result<gocore_etcd_kv_update>> + Send {
    stream::unfold(watch, |mut watch| async {
        loop {
            let update = match watch.next().await {
                Ok(update) => gocore_etcd_kv_update::new(update),
                Err(error) if error.kind() == ErrorKind::Closed => return None,
                Err(error) => Some(gocore_etcd_kv_update::problem(error)),
            };
            if let Some(update) = update {
                return Some((Ok(update), watch));
            }
        }
    })
}
