//! A subscription to the end of something held: one callback when it is lost, none when it is given back.

use std::ffi::c_void;
use std::sync::Arc;

use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::{Limit, Operation};

use super::events::{After, Events, Handler};
use super::user_data::UserData;
use crate::client::{ClientShared, Pending};
use crate::out::Out;
use crate::subscription::gocore_etcd_subscription;

/// What runs at the loss.
pub(crate) type Lost = extern "C" fn(user_data: *mut c_void);

/// Starts the subscription. It holds neither what may be lost nor the client: they may go before. `loss` ends with true at
/// a loss, false when it was given back.
///
/// # Errors
/// ResourceExhausted when the system gives no thread. Then `user` has been given back.
pub(crate) fn subscribe(
    op: &'static str,
    client: &Arc<ClientShared>,
    out: Out<gocore_etcd_subscription>,
    loss: impl Future<Output = bool> + Send + 'static,
    callback: Lost,
    user: UserData,
) -> Result<()> {
    let pending = Pending::begin(client, op)?;
    let events = Events::new(client.deliver.clone(), Loss { callback, user, _pending: pending });
    out.give(events.clone().into());
    let cancelled = events.cancelled().clone();
    let work = async move { Ok(loss.await) };
    let complete = move |lost: Result<bool>| match lost {
        Ok(true) => events.wake(),
        // Given back, or nobody wants to know any more: there is nothing to tell.
        _ => events.cancel(),
    };
    Operation::start(&client.runtime, op, Limit::Never, cancelled, work, complete);
    Ok(())
}

struct Loss {
    callback: Lost,
    user: UserData,
    /// Dropped after `user`: closing waits for both.
    _pending: Pending,
}

impl Handler for Loss {
    fn call(&mut self) -> After {
        (self.callback)(self.user.data());
        After::Over
    }
}
