//! The connections to one endpoint: one for each class of traffic, made together and given up together.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint as Target};

use super::class::Class;
use crate::client_config::{Address, ClientConfig, TlsMaterial};

/// One stream may hold this much unread before the server waits; a catch-up watch brings megabytes at once.
const STREAM_WINDOW: u32 = 4 << 20;
/// All streams of a connection together.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Whoever has not answered a SYN or a handshake by then is tried again or elsewhere.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// The connections of one generation. They connect when they are first used.
pub(super) struct Line {
    unary: Channel,
    watch: Channel,
    keep_alive: Channel,
    /// Fires when this generation is given up: what waits on it must not wait longer.
    pub(super) left: CancellationToken,
}

impl Line {
    pub(super) fn new(target: &Target) -> Self {
        Self {
            unary: target.connect_lazy(),
            watch: target.connect_lazy(),
            keep_alive: target.connect_lazy(),
            left: CancellationToken::new(),
        }
    }

    /// The same generation with another connection for `class`; what runs on the old one ends there.
    pub(super) fn with(&self, class: Class, channel: Channel) -> Self {
        let choose = |own: Class| if own == class { channel.clone() } else { self.channel(own) };
        Self {
            unary: choose(Class::Unary),
            watch: choose(Class::Watch),
            keep_alive: choose(Class::KeepAlive),
            left: self.left.clone(),
        }
    }

    pub(super) fn channel(&self, class: Class) -> Channel {
        match class {
            Class::Unary => self.unary.clone(),
            Class::Watch => self.watch.clone(),
            Class::KeepAlive => self.keep_alive.clone(),
        }
    }
}

/// How connections are made.
#[derive(Clone)]
pub(super) struct Dialer {
    connect_timeout: Duration,
    ping_interval: Duration,
    ping_timeout: Duration,
    tls: Option<TlsMaterial>,
}

impl Dialer {
    pub(super) fn new(config: &ClientConfig, tls: Option<TlsMaterial>) -> Self {
        Self {
            connect_timeout: config.dial_timeout.min(LONGEST_CONNECT),
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            tls,
        }
    }

    pub(super) fn target(&self, address: &Address) -> Result<Target, tonic::transport::Error> {
        let target = Target::from_shared(address.to_string())?
            .user_agent(concat!("gocore-etcd/", env!("CARGO_PKG_VERSION")))?
            .connect_timeout(self.connect_timeout)
            .tcp_nodelay(true)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(self.ping_interval)
            .keep_alive_timeout(self.ping_timeout)
            // etcd counts pings without a stream against the client.
            .keep_alive_while_idle(false);
        self.secured(target)
    }

    #[cfg(feature = "tls")]
    fn secured(&self, target: Target) -> Result<Target, tonic::transport::Error> {
        match &self.tls {
            Some(tls) => target.tls_config(tls.config().timeout(self.connect_timeout)),
            None => Ok(target),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn secured(&self, target: Target) -> Result<Target, tonic::transport::Error> {
        let _ = &self.tls;
        Ok(target)
    }
}
