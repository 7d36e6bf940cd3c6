//! The way to etcd: what etcd-client lacks, put under it as a service, without a fork.
//!
//! # Layout
//! - `service`: every request and stream goes through it: picks a connection, adds token and `hasleader`, sends what was
//!   never sent elsewhere
//! - `class`, `line`: three connections per endpoint, one for each class of traffic
//! - `dialer`, `gathered`: how a connection is made; it writes once what one turn of the scheduler has for it
//! - `health`, `probe`, `endpoint`, `common`: who can be used; requests raise suspicion, probes judge
//! - `picker`, `home`: round robin for requests, one home for the streams of a client
//! - `call`, `plan`, `flights`, `attempt`, `body`: one request until its answer is there: deadline, retries, hedged reads
//! - `retry`, `failure`: what an error means
//! - `token`: the user's token, renewed by one for all
//! - `keep_alive`, `wire`: the raw keep-alive stream
//! - `connect`, `sync`, `version`: the proof of a connection; members; warnings
//!
//! # What it promises
//! A request fails only at its deadline, by the server's own definite answer, or, when it is a write, because its
//! connection was lost after it was sent. A member that is killed costs nothing but the writes in flight on it; one that
//! is frozen or cut off is left within two seconds of the first request or renewal that it leaves unanswered (by pings after
//! 13 s where there is neither), and used again when it answers.

mod attempt;
mod body;
mod call;
mod class;
mod common;
mod connect;
mod dialer;
mod endpoint;
mod failure;
mod flights;
mod gathered;
mod health;
mod home;
mod keep_alive;
mod line;
mod picker;
mod plan;
mod probe;
mod retry;
mod service;
pub(crate) mod socket;
mod sync;
mod token;
mod version;
mod wire;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::dialer::Dialer;
use self::endpoint::Endpoint;
use self::picker::EndpointId;
use self::service::Hub;
use self::token::Granted;
use crate::client_config::{Address, Credentials};
use crate::error::{Error, ErrorKind, Result};
use crate::tasks::Tasks;
use crate::time::Deadline;

pub(crate) use self::call::Call;
pub(crate) use self::keep_alive::{KeepAlive, KeepAliveAnswer};
pub(crate) use self::plan::CallKind;
pub(crate) use self::token::TokenVersion;

/// What we accept in one message. etcd-client's 4 MB are less than a catch-up watch or a large prefix brings; without
/// any bound a broken peer could have us allocate without end.
const LARGEST_MESSAGE: usize = 1 << 30;

/// The way to etcd. Clones share it.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Inner>);

struct Inner {
    hub: Arc<Hub>,
    client: etcd_client::Client,
    kv: etcd_client::KvClient,
    lease: etcd_client::LeaseClient,
    watch: etcd_client::WatchClient,
    auth: etcd_client::AuthClient,
    dialer: Dialer,
    next_id: AtomicU32,
    uses_tls: bool,
    /// How long a renewal of the token may take, whoever waits for it.
    patience: Duration,
    tasks: Tasks,
}

impl Transport {
    /// etcd-client's client on this transport: its requests and streams get the failover, the token and the rest.
    pub(crate) fn raw(&self) -> etcd_client::Client {
        self.0.client.clone()
    }

    pub(crate) fn kv(&self) -> etcd_client::KvClient {
        self.0.kv.clone()
    }

    pub(crate) fn lease(&self) -> etcd_client::LeaseClient {
        self.0.lease.clone()
    }

    pub(crate) fn watch(&self) -> etcd_client::WatchClient {
        self.0.watch.clone()
    }

    /// Which token requests carry now; to be remembered when a stream is opened.
    pub(crate) fn token_version(&self) -> TokenVersion {
        self.0.hub.common.tokens.current().version
    }

    /// Gets a new token unless somebody already has since `seen`, for who was refused without.
    ///
    /// # Errors
    /// `Unauthenticated` when the server refuses the user, or wants one and there is none; what a request can end with besides.
    ///
    /// # Cancel safety
    /// The renewal goes on.
    pub(crate) async fn refresh_token(&self, seen: TokenVersion, deadline: Deadline) -> Result<()> {
        const OP: &str = "client.authenticate";
        if !self.has_user() {
            return Err(Error::new(ErrorKind::Unauthenticated, OP).with_detail("the server wants a user"));
        }
        self.renew_token(OP, seen, deadline).await
    }

    /// An error of a stream as one of ours.
    pub(crate) fn error(op: &'static str, error: etcd_client::Error) -> Error {
        retry::into_error(op, &[], error)
    }

    /// Whether a watch was cancelled for its token: renew it and put the watch on a new stream.
    pub(crate) fn is_stale_token_text(reason: &str) -> bool {
        retry::is_stale_token(reason)
    }

    fn has_user(&self) -> bool {
        self.0.hub.common.tokens.has_user()
    }

    async fn renew_token(&self, op: &'static str, seen: TokenVersion, deadline: Deadline) -> Result<()> {
        let authenticate = |user: Credentials| {
            let transport = self.clone();
            async move { transport.authenticate(op, user).await }
        };
        let Inner { hub, tasks, .. } = &*self.0;
        hub.common.tokens.renew(op, seen, deadline, tasks, authenticate).await
    }

    async fn authenticate(&self, op: &'static str, user: Credentials) -> Result<Granted> {
        let call = Call { op, key: &[], deadline: Deadline::after(self.0.patience), kind: CallKind::Repeatable };
        let answer = self.call_once(call, || {
            let (mut auth, name, password) = (self.0.auth.clone(), user.name.clone(), user.password.to_string());
            async move { auth.authenticate(name, password).await }
        });
        match answer.await {
            Ok(answer) => Ok(Granted::Token(answer.token().to_string())),
            Err(error) if retry::is_not_enabled(&error.to_string()) => Ok(Granted::NotEnabled),
            Err(error) => Err(error),
        }
    }

    fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.0.hub)
    }

    fn cluster(&self) -> etcd_client::ClusterClient {
        self.0.client.cluster_client()
    }

    fn maintenance(&self) -> etcd_client::MaintenanceClient {
        self.0.client.maintenance_client()
    }

    fn uses_tls(&self) -> bool {
        self.0.uses_tls
    }

    fn endpoints(&self) -> Arc<Vec<Arc<Endpoint>>> {
        self.0.hub.picker.all()
    }

    fn set_endpoints(&self, endpoints: Vec<Arc<Endpoint>>) {
        self.0.hub.picker.replace(endpoints);
    }

    /// A new endpoint with its task; not used before [`set_endpoints`](Self::set_endpoints). None for an address that
    /// cannot be dialled.
    fn add_endpoint(&self, address: Address) -> Option<Arc<Endpoint>> {
        let target = self.0.dialer.target(&address).ok()?;
        let id = EndpointId(self.0.next_id.fetch_add(1, Ordering::Relaxed));
        let endpoint = Endpoint::new(id, address, target, Arc::clone(&self.0.hub.common));
        self.0.tasks.spawn(Arc::clone(&endpoint).watch_over());
        Some(endpoint)
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

/// Nothing that holds one of our locks can panic half-way, so a poisoned one is as good as another.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
