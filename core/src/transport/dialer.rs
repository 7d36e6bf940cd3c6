//! How connections are made.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Error};
use tower::ServiceExt;

use super::gathered::Gathered;
use super::socket::Socket;
use crate::client_config::{Address, ClientConfig, TlsMaterial};

/// One stream may hold this much unread before the server waits; a catch-up watch brings megabytes at once.
const STREAM_WINDOW: u32 = 4 << 20;
/// All streams of a connection together.
const CONNECTION_WINDOW: u32 = 16 << 20;
/// Whoever has not answered a SYN or a handshake by then is tried again or elsewhere.
const LONGEST_CONNECT: Duration = Duration::from_secs(2);

/// What all connections of a client have in common.
#[derive(Clone)]
pub(super) struct Dialer {
    connect_timeout: Duration,
    ping_interval: Duration,
    ping_timeout: Duration,
    tls: Option<TlsMaterial>,
}

/// One address, ready to be dialled.
pub(super) struct Target {
    endpoint: Endpoint,
    tcp: HttpConnector,
    is_tls: bool,
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

    pub(super) fn target(&self, address: &Address) -> Result<Target, Error> {
        let endpoint = Endpoint::from_shared(address.to_string())?
            .user_agent(concat!("gocore-etcd/", env!("CARGO_PKG_VERSION")))?
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(self.ping_interval)
            .keep_alive_timeout(self.ping_timeout)
            // etcd counts pings without a stream against the client.
            .keep_alive_while_idle(false);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // For TCP alone, shared among the addresses of a name; the handshake has its own, and a slow resolver none.
        tcp.set_connect_timeout(Some(self.connect_timeout));
        Ok(Target { endpoint: self.secured(endpoint)?, tcp, is_tls: address.is_tls() })
    }

    #[cfg(feature = "tls")]
    fn secured(&self, endpoint: Endpoint) -> Result<Endpoint, Error> {
        match &self.tls {
            Some(tls) => endpoint.tls_config(tls.config().timeout(self.connect_timeout)),
            None => Ok(endpoint),
        }
    }

    #[cfg(not(feature = "tls"))]
    fn secured(&self, endpoint: Endpoint) -> Result<Endpoint, Error> {
        let _ = &self.tls;
        Ok(endpoint)
    }
}

impl Target {
    /// A new connection; it is made when it is first used.
    pub(super) fn connect(&self) -> Channel {
        let socket = |io: TokioIo<_>| Socket::new(io.into_inner());
        let tcp = self.tcp.clone();
        if self.is_tls {
            // Below TLS nothing can be gathered: it says that it has taken what we have only put off.
            return self.endpoint.connect_with_connector_lazy(tcp.map_response(move |io| TokioIo::new(socket(io))));
        }
        self.endpoint.connect_with_connector_lazy(tcp.map_response(move |io| TokioIo::new(Gathered::new(socket(io)))))
    }
}
