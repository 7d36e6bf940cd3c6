//! What kind of server a test wants.

use std::sync::Arc;
use std::time::Duration;

use super::Auth;
use crate::binary::Etcd;
use crate::tls::Pki;

/// Options of a [`Server`](super::Server) or of every member of a cluster; the default is a plain server.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    pub(crate) etcd: Option<Etcd>,
    pub(crate) auth: Option<Auth>,
    pub(crate) tls: Option<Tls>,
    pub(crate) timing: Option<Timing>,
    pub(crate) log_level: Option<String>,
    pub(crate) flags: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Tls {
    pub(crate) pki: Arc<Pki>,
    /// Whether clients must show a certificate.
    pub(crate) mutual: bool,
    /// Whether the server's certificate is for another name.
    pub(crate) elsewhere: bool,
}

/// etcd's heartbeat and election timeout. They also decide the shortest lease: 1.5 election timeouts, in whole seconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    pub(crate) heartbeat: Duration,
    pub(crate) election: Duration,
}

impl Timing {
    /// What etcd does by itself; leases are at least 2 s.
    pub(crate) const ETCD: Timing = Timing { heartbeat: Duration::from_millis(100), election: Duration::from_secs(1) };
    /// For a single server, that has nobody to wait for: it leads in 0.2 s instead of 1.2 s, leases are at least 1 s.
    pub(crate) const ALONE: Timing =
        Timing { heartbeat: Duration::from_millis(20), election: Duration::from_millis(200) };
}

impl ServerOptions {
    /// A plain server: no TLS, no auth.
    pub fn new() -> ServerOptions {
        ServerOptions::default()
    }

    /// This etcd instead of [`Etcd::find`]'s.
    pub fn etcd(mut self, etcd: Etcd) -> Self {
        self.etcd = Some(etcd);
        self
    }

    /// With authentication on; see [`Auth`].
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// With TLS, for `localhost` and `127.0.0.1`.
    pub fn tls(self, pki: &Arc<Pki>) -> Self {
        self.with_tls(pki, false, false)
    }

    /// With TLS, and clients must show a certificate of the same authority.
    pub fn mutual_tls(self, pki: &Arc<Pki>) -> Self {
        self.with_tls(pki, true, false)
    }

    /// With TLS, and a certificate for [`ELSEWHERE`](crate::tls::ELSEWHERE) only.
    pub fn tls_elsewhere(self, pki: &Arc<Pki>) -> Self {
        self.with_tls(pki, false, true)
    }

    /// The size of the database from which on the server raises NOSPACE.
    pub fn quota_backend_bytes(self, bytes: u64) -> Self {
        self.flag(format!("--quota-backend-bytes={bytes}"))
    }

    /// A snapshot every so many transactions: few make a member that was away catch up by snapshot.
    pub fn snapshot_count(self, transactions: u64) -> Self {
        self.flag(format!("--snapshot-count={transactions}"))
    }

    /// Heartbeat and election timeout. A cluster has etcd's own (100 ms, 1 s; leases of at least 2 s), a single server
    /// 20 ms and 200 ms (leases of at least 1 s), so that it starts at once.
    pub fn timing(mut self, heartbeat: Duration, election: Duration) -> Self {
        self.timing = Some(Timing { heartbeat, election });
        self
    }

    /// etcd's own heartbeat and election timeout for a single server too.
    pub fn etcd_timing(mut self) -> Self {
        self.timing = Some(Timing::ETCD);
        self
    }

    /// `debug`, `info`, `warn` (the default), `error`.
    pub fn log_level(mut self, level: &str) -> Self {
        self.log_level = Some(level.to_owned());
        self
    }

    /// Any other flag, as `--name=value`; it wins over ours.
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }

    fn with_tls(mut self, pki: &Arc<Pki>, mutual: bool, elsewhere: bool) -> Self {
        self.tls = Some(Tls { pki: pki.clone(), mutual, elsewhere });
        self
    }
}
