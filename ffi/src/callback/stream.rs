//! A subscription to what goes on and on (a watch, an observation): each event of a source is one callback.
//!
//! The events stay in the source, which bounds them, until a callback takes them ([`Feed`]). One operation runs as long
//! as the subscription and owns its feed: it wakes the callbacks when there is something, once until they have taken all
//! of it. So the source ends with the subscription, at once, also while nobody takes: a callback is slow, or the
//! application does not dispatch.

use std::ffi::c_void;
use std::sync::{Arc, Weak};

use futures_util::Stream;
use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::{CancelToken, Feed, Limit, Operation};

use super::events::{After, Events, Handler};
use super::user_data::UserData;
use crate::client::{ClientShared, Pending};

/// Starts a subscription, and gives it away by `give` before the first callback: `call` with the `user_data` and an event.
///
/// It ends when it is cancelled, when the client is closed (then no further callback begins), and when the source ends.
/// The handle of the client may be freed before: a source keeps alive what it needs of it.
///
/// # Errors
/// ResourceExhausted when the system gives no thread. Then `user` has been given back.
pub(crate) fn subscribe<E: Send + 'static>(
    op: &'static str,
    client: &ClientShared,
    source: impl Stream<Item = Result<E>> + Send + 'static,
    user: UserData,
    call: impl FnMut(*mut c_void, Result<E>) + Send + 'static,
    give: impl FnOnce(Arc<Events>),
) -> Result<()> {
    let pending = Pending::begin(client, op)?;
    let feed = Arc::new(Feed::new(&client.runtime, op, source));
    let closing = client.closing.clone();
    let taker = Taker { feed: Arc::downgrade(&feed), closing, call, user, _pending: pending };
    let events = Events::new(client.deliver.clone(), taker);
    give(events.clone());
    let ended = events.cancelled().clone();
    feed.wait();
    let work = async move {
        feed.attend(|| events.wake()).await;
        Ok(())
    };
    // It ends by being cancelled; the callbacks see to the rest.
    Operation::start(&client.runtime, op, Limit::Never, ended, work, |_| {});
    Ok(())
}

struct Taker<E, F> {
    /// Gone when the subscription was cancelled.
    feed: Weak<Feed<E>>,
    closing: CancelToken,
    call: F,
    user: UserData,
    /// Dropped after `user`: closing waits for both.
    _pending: Pending,
}

impl<E: Send, F: FnMut(*mut c_void, Result<E>) + Send> Handler for Taker<E, F> {
    fn call(&mut self) -> After {
        // One at a time, so that cancelling and closing take effect between any two.
        let Some(feed) = self.feed.upgrade().filter(|_| !self.closing.is_cancelled()) else { return After::Over };
        let mut taken = feed.take(1);
        match taken.events.pop() {
            Some(event) => {
                // While it runs, cancelling ends the source.
                drop(feed);
                (self.call)(self.user.data(), event);
                After::More
            }
            None if taken.is_over => After::Over,
            None if feed.wait() => After::Idle,
            None => After::More,
        }
    }
}
