//! The client: one connection to etcd, and the owner of everything that goes on behind it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client_config::ClientConfig;
use crate::contender::Contention;
use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::Keyspace;
use crate::kv::{Door, Gets, Kv};
use crate::lease::Leases;
use crate::session::Sessions;
use crate::tasks::Tasks;
use crate::time::Deadline;
use crate::transport::Transport;
use crate::watch::Watches;

/// How long closing may take: giving back needs one request; an etcd that is away must not keep a program from ending.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// A client of an etcd cluster. Cheap to clone; clones are the same client.
///
/// Locks and other handles keep their client alive. When the last of all is dropped the client closes in the
/// background; [`Client::close`] does so and waits.
///
/// # Examples
/// ```no_run
/// # async fn example() -> gocore_etcd_core::Result<()> {
/// use gocore_etcd_core::{Client, ClientConfig};
///
/// let client = Client::connect(ClientConfig::new(["127.0.0.1:2379"]).prefix("/apps/billing")).await?;
/// client.kv().put(client.key(["greeting"]), "hello").await?;
/// client.close().await
/// # }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Handle>);

/// Counts the users: its drop closes.
struct Handle {
    keyspace: Keyspace,
    tasks: Tasks,
    transport: Transport,
    door: Door,
    gets: Gets,
    watches: Watches,
    contention: Contention,
}

impl Client {
    /// Connects: proves a connection within the dial timeout, by a read inside the client's own prefix.
    ///
    /// Must be called within a tokio runtime; the client's background tasks run on it.
    ///
    /// # Errors
    /// - InvalidArgument: everything that is wrong with `config`, each by its field's name.
    /// - Unauthenticated: user name or password are wrong.
    /// - Unavailable: no endpoint could be reached, with the last cause; a failed TLS handshake says so, and why.
    /// - DeadlineExceeded: connected, but no answer within the dial timeout.
    ///
    /// # Cancel safety
    /// Safe: dropping it ends what it began.
    pub async fn connect(config: ClientConfig) -> Result<Self> {
        config.validate()?;
        let keyspace = Keyspace::new(&config.prefix);
        let tasks = Tasks::new();
        let unfinished = tasks.clone().terminate_on_drop();
        let transport = Transport::connect(&config, &keyspace, &tasks).await?;
        unfinished.disarm();

        let door = Door::new(transport.clone(), tasks.clone(), config.request_timeout);
        let leases = Leases::new(door.clone(), tasks.clone());
        let watches = Watches::new(door.clone(), tasks.clone());
        let sessions = Sessions::new(door.clone(), tasks.clone(), leases, watches.clone(), keyspace.clone());
        let contention = Contention::new(door.clone(), tasks.clone(), sessions, watches.clone());
        let gets = Gets::default();
        Ok(Self(Arc::new(Handle { keyspace, tasks, transport, door, gets, watches, contention })))
    }

    /// The prefix below which everything of this client lies.
    pub fn prefix(&self) -> &str {
        self.0.keyspace.prefix()
    }

    /// A key below the prefix: each part without its surrounding slashes, empty parts left out.
    ///
    /// ```no_run
    /// # fn example(client: gocore_etcd_core::Client) {
    /// assert_eq!(client.key(["a/", "", "b"]), "/go-core/a/b");
    /// # }
    /// ```
    pub fn key<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> String {
        self.0.keyspace.key(parts)
    }

    /// Keys and values, absolute: see [`crate::kv`].
    pub fn kv(&self) -> Kv {
        Kv::new(self.0.door.clone(), self.clone())
    }

    /// The `etcd_client` client on the same connections: its calls get the failover, the token and `hasleader` too,
    /// but no deadline and no retry; one that waits for an endpoint which is given up ends with an error. Its minor version
    /// is our major one.
    ///
    /// After `close` it goes on with what there is then: nobody renews the token any more, looks after an endpoint that was
    /// left, or follows the members. So it works until the token expires, or the endpoints change.
    pub fn raw(&self) -> etcd_client::Client {
        self.0.transport.raw()
    }

    /// Closes: gives locks back, revokes leases, ends every background task. Idempotent; clones are closed too.
    /// Afterwards every call gives [`ErrorKind::Closed`].
    ///
    /// # Errors
    /// DeadlineExceeded when not everything could be given back within 5 s because etcd was away: the TTLs take it.
    ///
    /// # Cancel safety
    /// Safe: dropped, it goes on in the background, within the same limit.
    pub async fn close(&self) -> Result<()> {
        self.0.tasks.shut_down(CLOSE_LIMIT);
        let ended = Deadline::after(CLOSE_LIMIT + Duration::from_secs(1)).limit(self.0.tasks.ended()).await;
        if ended.is_ok() && self.0.tasks.gave_everything_back() {
            return Ok(());
        }
        let error = Error::new(ErrorKind::DeadlineExceeded, "client.close").with_retryable(false);
        Err(error.with_detail("etcd was away: what is left there ends with its TTL"))
    }

    /// Ends when the client is closed and nothing of it runs any more. Does not keep it alive.
    #[cfg(feature = "bridge")]
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        let tasks = self.0.tasks.clone();
        async move {
            tasks.closing().await;
            tasks.ended().await;
        }
    }

    pub(crate) fn check_open(&self, op: &'static str) -> Result<()> {
        if self.0.tasks.is_closing() { Err(Error::closed(op)) } else { Ok(()) }
    }

    pub(crate) fn keyspace(&self) -> &Keyspace {
        &self.0.keyspace
    }

    pub(crate) fn door(&self) -> &Door {
        &self.0.door
    }

    pub(crate) fn gets(&self) -> &Gets {
        &self.0.gets
    }

    pub(crate) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    pub(crate) fn watches(&self) -> &Watches {
        &self.0.watches
    }

    pub(crate) fn contention(&self) -> &Contention {
        &self.0.contention
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tasks.shut_down(CLOSE_LIMIT);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("prefix", &self.prefix()).finish_non_exhaustive()
    }
}
