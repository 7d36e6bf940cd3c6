//! Connecting: builds everything and proves within the dial timeout that somebody is there and lets us in.
//!
//! All endpoints are probed at once and the first that lives will do, so a black hole among them costs nothing. Then
//! the user is authenticated, and one read with the rights of the user says the rest.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::call::Call;
use super::common::Common;
use super::dialer::Dialer;
use super::endpoint::Endpoint;
use super::health::Standing;
use super::picker::{EndpointId, Picker};
use super::plan::CallKind;
use super::service::{self, Hub};
use super::token::Tokens;
use super::{Inner, LARGEST_MESSAGE, Transport, retry};
use crate::client_config::ClientConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::Keyspace;
use crate::tasks::Tasks;
use crate::time::Deadline;

const OP: &str = "client.connect";

/// An Authenticate takes 60–80 ms of bcrypt, and longer where many want a new token at once.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);

impl Transport {
    /// Connects. Its background tasks are among `tasks`.
    ///
    /// # Errors
    /// `InvalidArgument` for a bad configuration; `Unauthenticated` for a wrong password, or none where one is needed;
    /// `Unavailable` when no endpoint could be proved within the dial timeout, with what was wrong with each.
    ///
    /// # Cancel safety
    /// Its tasks go on until `tasks` are closed.
    pub(crate) async fn connect(config: &ClientConfig, keyspace: &Keyspace, tasks: &Tasks) -> Result<Transport> {
        let transport = Self::build(config, keyspace, tasks).await?;
        let deadline = Deadline::after(config.dial_timeout);
        if let Err(error) = transport.prove(config, keyspace, deadline).await {
            transport.endpoints().iter().for_each(|endpoint| endpoint.remove());
            return Err(error.with_op(OP));
        }
        tracing::info!(prefix = keyspace.prefix(), "connected");
        tasks.spawn(transport.clone().warn_of_version(Deadline::after(config.request_timeout)));
        if transport.has_user() {
            tasks.spawn(transport.clone().renew_for_raw());
        }
        if let Some(interval) = config.auto_sync_interval {
            tasks.spawn(transport.clone().follow_members(interval, config.request_timeout));
        }
        Ok(transport)
    }

    async fn build(config: &ClientConfig, keyspace: &Keyspace, tasks: &Tasks) -> Result<Transport> {
        let resolved = config.resolve()?;
        let uses_tls = resolved.addresses.iter().any(|address| address.is_tls());
        let dialer = Dialer::new(config, resolved.tls);
        let common = Common::new(Tokens::new(config.credentials.clone()), keyspace.probe().into_bytes());
        let mut endpoints = Vec::with_capacity(resolved.addresses.len());
        for (id, address) in (0..).map(EndpointId).zip(resolved.addresses) {
            let target = dialer.target(&address).map_err(|error| Error::invalid(OP, "endpoints", error))?;
            endpoints.push(Endpoint::new(id, address, target, Arc::clone(&common)));
        }
        for endpoint in &endpoints {
            tasks.spawn(Arc::clone(endpoint).watch_over());
        }
        let next_id = AtomicU32::new(endpoints.len() as u32);
        let hub = Arc::new(Hub { picker: Picker::new(endpoints), common });
        let channel = etcd_client::Channel::Custom(service::channels(Arc::clone(&hub)));
        // Without a user of its own it asks nobody anything here.
        let client = etcd_client::Client::from_channel(channel, None).await;
        let client = client.map_err(|error| retry::into_error(OP, &[], error))?;
        Ok(Transport(Arc::new(Inner {
            kv: client.kv_client().max_decoding_message_size(LARGEST_MESSAGE),
            watch: client.watch_client().max_decoding_message_size(LARGEST_MESSAGE),
            lease: client.lease_client(),
            auth: client.auth_client(),
            hub,
            client,
            dialer,
            next_id,
            uses_tls,
            patience: config.request_timeout.max(LEAST_PATIENCE),
            tasks: tasks.clone(),
        })))
    }

    /// A call renews a stale token and is sent again; what comes through `raw()` is refused once and finds a new token
    /// the next time.
    async fn renew_for_raw(self) {
        let mut refused = self.0.hub.common.refused.subscribe();
        while refused.changed().await.is_ok() {
            let seen = *refused.borrow_and_update();
            if let Some(seen) = seen
                && let Err(error) = self.refresh_token(seen, Deadline::after(self.0.patience)).await
            {
                tracing::warn!(%error, "no new token");
            }
        }
    }

    async fn prove(&self, config: &ClientConfig, keyspace: &Keyspace, deadline: Deadline) -> Result<()> {
        self.somebody_there(config, deadline).await?;
        self.renew_token(OP, self.token_version(), deadline).await?;
        let key = keyspace.probe();
        let call = Call { op: OP, key: key.as_bytes(), deadline, kind: CallKind::Read };
        let read = self.call(call, || {
            let (mut kv, key) = (self.kv(), key.clone());
            async move { kv.get(key, None).await }
        });
        match read.await {
            // Being refused by name is a proof too; the rights may cover other keys.
            Err(error) if error.kind() != ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }

    /// Ends when one endpoint has answered a probe.
    async fn somebody_there(&self, config: &ClientConfig, deadline: Deadline) -> Result<()> {
        let mut judged = self.0.hub.common.judged.subscribe();
        loop {
            let endpoints = self.endpoints();
            if endpoints.iter().any(|endpoint| endpoint.standing() == Standing::Healthy) {
                return Ok(());
            }
            let failures: Vec<_> = endpoints.iter().filter_map(|endpoint| endpoint.failure()).collect();
            let causes: Vec<_> = failures.iter().map(|failure| failure.words.as_str()).collect();
            // A network may come back, a certificate does not become valid by waiting.
            let hopeless = failures.len() == endpoints.len() && failures.iter().all(|failure| failure.is_hopeless);
            if hopeless {
                return Err(Error::new(ErrorKind::Unavailable, OP)
                    .with_retryable(false)
                    .with_source(causes.join("; ")));
            }
            if deadline.limit(judged.changed()).await.is_err() {
                let within = format!("no endpoint answered within {:?}", config.dial_timeout);
                // One that was never judged is silent: its first probe still waits.
                let silent = endpoints.iter().filter(|endpoint| endpoint.failure().is_none());
                let silent = silent.map(|endpoint| format!("{}: no answer", endpoint.address()));
                let causes: Vec<_> = failures.iter().map(|failure| failure.words.clone()).chain(silent).collect();
                return Err(Error::new(ErrorKind::Unavailable, OP).with_detail(within).with_source(causes.join("; ")));
            }
        }
    }
}
