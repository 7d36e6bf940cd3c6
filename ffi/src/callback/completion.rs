//! What a call that does not block comes to: one callback, which owns the handle that was made, or the error.

use std::ffi::c_void;
use std::ptr;
use std::sync::Arc;

use gocore_etcd_core::Result;
use gocore_etcd_core::bridge::{CancelToken, Limit, Operation, guarded, or_key};

use super::user_data::UserData;
use crate::client::{ClientShared, Pending};
use crate::entry_point::{OK, panic_for_a_test};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::Out;

/// How it is told: one of `handle` and `err` is NULL.
pub(crate) type Completed<H> =
    extern "C" fn(user_data: *mut c_void, status: gocore_etcd_status, handle: *mut H, err: *mut gocore_etcd_error);

/// Who is told.
pub(crate) struct Completion<H> {
    pub(crate) callback: Completed<H>,
    pub(crate) user: UserData,
    /// What an error is about that names no key.
    pub(crate) key: String,
}

impl<H: 'static> Completion<H> {
    /// Starts `work`; what it gives becomes a handle by `make`.
    ///
    /// # Errors
    /// ResourceExhausted when the system gives no thread. Then the callback never runs, and `user` has been given back.
    pub(crate) fn start<T: Send + 'static>(
        self,
        op: &'static str,
        client: &Arc<ClientShared>,
        (limit, cancel): (Limit, CancelToken),
        work: impl Future<Output = Result<T>> + Send + 'static,
        make: impl FnOnce(T, Arc<ClientShared>) -> H + Send + 'static,
    ) -> Result<()> {
        let pending = Pending::begin(client, op)?;
        let owner = client.clone();
        let complete = move |result: Result<T>| {
            let deliver = owner.deliver.clone();
            let job = move || {
                let Self { callback, user, key } = self;
                // Whatever happens here, the callback runs: somebody waits for it.
                let made = guarded(op, || {
                    panic_for_a_test(op, "callback");
                    Ok(make(result?, owner))
                });
                let (mut handle, mut error) = (ptr::null_mut(), ptr::null_mut());
                let status = match made {
                    Ok(made) => {
                        Out::new(op, "handle", &mut handle).map(|out| out.give(made)).ok();
                        OK
                    }
                    Err(failure) => {
                        let status = failure.kind().into();
                        Out::new(op, "err", &mut error).map(|out| out.give(or_key(failure, key).into())).ok();
                        status
                    }
                };
                callback(user.data(), status, handle, error);
                drop(user);
                drop(pending);
            };
            deliver.push(Box::new(job));
        };
        Operation::start(&client.runtime, op, limit, cancel, work, complete);
        Ok(())
    }
}
