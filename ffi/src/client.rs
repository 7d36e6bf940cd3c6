//! Client
//!
//! The connection to etcd, and the owner of everything that goes on behind it. A program has one, or one for each
//! cluster or prefix it uses.

use std::ffi::{CString, c_char};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gocore_etcd_core::bridge::{CancelToken, Generation, Limit, Owned, Runtime, failed};
use gocore_etcd_core::{Client, ErrorKind, Result};

use crate::args::{Handle, array, handle, limit, text};
use crate::callback::dispatch::Queue;
use crate::callback::{self, Deliver, Member};
use crate::config::{self, gocore_etcd_client_config};
use crate::entry_point::{OK, enter, getter, wait};
use crate::error::{gocore_etcd_error, gocore_etcd_status};
use crate::out::{self, Out};

/// How long closing waits for callbacks where the caller sets no limit.
const CALLBACK_LIMIT: Duration = Duration::from_secs(10);

/// A client of an etcd cluster.
///
/// Ownership: freed with gocore_etcd_client_free; what was made with it (locks, subscriptions) keeps it alive. Threads:
/// any number at once.
pub struct gocore_etcd_client {
    shared: Owned<Arc<ClientShared>>,
    prefix: CString,
}

/// What calls on a client, and all that was made with it, hold together.
pub(crate) struct ClientShared {
    pub(crate) client: Client,
    pub(crate) runtime: Runtime,
    /// Where its callbacks run.
    pub(crate) deliver: Deliver,
    /// Fires when closing begins.
    pub(crate) closing: CancelToken,
    pending: Arc<Pendings>,
}

/// How many callbacks are still to come, for closing to wait for.
#[derive(Default)]
struct Pendings {
    count: Mutex<usize>,
    ended: Condvar,
}

/// Something that was started and will call back; it ends when this is dropped. Keeps a thread for it.
pub(crate) struct Pending {
    of: Owned<Arc<Pendings>>,
    _member: Member,
}

impl Pending {
    /// # Errors
    /// ResourceExhausted when the system gives no thread.
    pub(crate) fn begin(client: &ClientShared, op: &'static str) -> Result<Self> {
        let member = client.deliver.join(op)?;
        *client.pending.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ok(Self { of: Owned::new(client.pending.clone()), _member: member })
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Ok(pendings) = self.of.get("pending") {
            *pendings.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
            pendings.ended.notify_all();
        }
    }
}

impl Pendings {
    /// # Errors
    /// DeadlineExceeded when a callback still runs then.
    fn wait(&self, op: &'static str, until: Option<Instant>) -> Result<()> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > 0 {
            count = match until {
                None => self.ended.wait(count).unwrap_or_else(PoisonError::into_inner),
                Some(until) => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Err(failed(ErrorKind::DeadlineExceeded, op, format!("{count} callbacks still run")));
                    }
                    self.ended.wait_timeout(count, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        Ok(())
    }
}

impl Handle for gocore_etcd_client {
    type Shared = ClientShared;
    fn shared(&self) -> &Owned<Arc<ClientShared>> {
        &self.shared
    }
}

/// Who frees the handle dispatches no more.
impl Drop for gocore_etcd_client {
    fn drop(&mut self) {
        if let Ok(shared) = self.shared.get("client.free")
            && let Deliver::Dispatch(queue) = &shared.deliver
        {
            queue.abandon();
        }
    }
}

impl ClientShared {
    /// Runs `work` on the library's thread and waits for it.
    pub(crate) fn wait<T: Send + 'static>(
        &self,
        op: &'static str,
        limit: Limit,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        wait(&self.runtime, op, limit, CancelToken::new(), work)
    }
}

/// Connects: proves a connection within the configuration's dial timeout, which is the limit of this call.
///
/// `*client` is the client, or NULL on failure.
///
/// Ownership: the caller frees `*client` and `*err`; `config` is only read during the call. Threads: any; blocks.
/// Errors: INVALID_ARGUMENT naming everything that is wrong with `config`; UNAUTHENTICATED; UNAVAILABLE when no endpoint
/// could be reached, with the last cause; DEADLINE_EXCEEDED; UNSUPPORTED when `config` asks for what this version of the
/// library does not have. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_connect(
    config: *const gocore_etcd_client_config,
    client: *mut *mut gocore_etcd_client,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "client.connect";
    enter(op, err, || {
        let out = Out::new(op, "client", client)?;
        // Forks are noticed from here on.
        Generation::current();
        let (config, dispatched) = config::read(op, config)?;
        config.validate()?;
        let deliver = if dispatched { Deliver::Dispatch(Arc::new(Queue::new(op)?)) } else { Deliver::Threads };
        let runtime = Runtime::shared(op)?;
        let client = wait(&runtime, op, Limit::Never, CancelToken::new(), runtime.clone().connect(config))?;
        let prefix = CString::new(client.prefix()).unwrap_or_default();
        let shared = ClientShared { client, runtime, deliver, closing: CancelToken::new(), pending: Arc::default() };
        out.give(gocore_etcd_client { shared: Owned::new(Arc::new(shared)), prefix });
        Ok(OK)
    })
}

/// The prefix below which everything of this client lies.
///
/// Ownership: text that lives as long as `client`; NULL gives NULL. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_prefix(client: *const gocore_etcd_client) -> *const c_char {
    getter(client, std::ptr::null(), |client| client.prefix.as_ptr())
}

/// A key below the prefix: each part without its surrounding slashes, empty parts left out.
///
/// Ownership: the caller frees `*key` with gocore_etcd_string_free, and `*err`. Threads: any; never waits. Errors:
/// INVALID_ARGUMENT. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_key(
    client: *const gocore_etcd_client,
    parts: *const *const c_char,
    parts_len: usize,
    key: *mut *mut c_char,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "client.key";
    enter(op, err, || {
        let out = Out::new(op, "key", key)?;
        let client = handle(op, "client", client)?;
        let parts = array(op, "parts", parts, parts_len)?;
        let parts: Result<Vec<&str>> = parts.iter().map(|part| text(op, "parts", *part)).collect();
        // Texts that ended at their NUL hold none.
        out.give_text(CString::new(client.client.key(parts?)).unwrap_or_default());
        Ok(OK)
    })
}

/// Closes: gives locks back, revokes leases, ends every background task, completes what is under way, and waits for it,
/// and for the callbacks that come of it (but not inside a callback, and not for callbacks that the application
/// dispatches). Idempotent. Afterwards every call gives CLOSED. A program closes its client before it ends.
///
/// `timeout_ms`: 0 is the default: 5 s for etcd, which is also the most an etcd that is away can take, and 10 s in all
/// before callbacks that still run are given up.
///
/// Ownership: borrows `client`, which is still to be freed; the caller frees `*err`. Threads: any; blocks. Errors:
/// INVALID_ARGUMENT; DEADLINE_EXCEEDED when not everything could be given back in time: that goes on in the background,
/// and the TTLs take the rest, but callbacks were waited for all the same; or when a callback still runs. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_close(
    client: *mut gocore_etcd_client,
    timeout_ms: i64,
    err: *mut *mut gocore_etcd_error,
) -> gocore_etcd_status {
    let op = "client.close";
    enter(op, err, || {
        let client = handle(op, "client", client)?;
        let limit = limit(op, timeout_ms)?;
        let until = match limit {
            Limit::Default => Some(Instant::now() + CALLBACK_LIMIT),
            Limit::After(duration) => Instant::now().checked_add(duration),
            Limit::Never => None,
        };
        client.closing.cancel();
        let closing = client.client.clone();
        let closed = client.wait(op, limit, async move { closing.close().await });
        // Inside a callback it would wait for itself; callbacks that are dispatched may wait for this very thread.
        let returned = match matches!(client.deliver, Deliver::Threads) && !callback::is_inside() {
            true => client.pending.wait(op, until),
            false => Ok(()),
        };
        closed.and(returned).map(|()| OK)
    })
}

/// Frees a client; what was made with it keeps it alive. When the last of them is freed it closes in the background.
/// NULL is allowed.
///
/// Ownership: takes `client`. Threads: any; never waits. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_client_free(client: *mut gocore_etcd_client) {
    out::free(client);
}

/// Frees a text that a function of this library gave away. NULL is allowed.
///
/// Ownership: takes `text`. Threads: any. Errors: none. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn gocore_etcd_string_free(text: *mut c_char) {
    out::free_text(text);
}
