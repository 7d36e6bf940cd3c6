//! The command line of a server.

use std::path::Path;

use super::options::{ServerOptions, Timing};
use super::{Membership, Ports};
use crate::binary::{Etcd, Version};

/// Since this version etcd can do without fsync, which no test needs: nobody pulls the plug.
const NO_FSYNC: Version = Version { major: 3, minor: 5, patch: 0 };

/// Where in its directory a server has its data.
pub(super) const DATA: &str = "data";

pub(super) fn flags(
    etcd: &Etcd,
    options: &ServerOptions,
    membership: &Membership,
    ports: &Ports,
    dir: &Path,
) -> Vec<String> {
    let scheme = options.scheme();
    let timing = options.timing.unwrap_or(Timing::ALONE);
    let mut flags = vec![
        format!("--name={}", membership.name),
        format!("--data-dir={}", dir.join(DATA).display()),
        format!("--listen-client-urls={scheme}://127.0.0.1:{}", ports.client.number()),
        format!("--advertise-client-urls={scheme}://{}", membership.client_address),
        format!("--listen-peer-urls=http://127.0.0.1:{}", ports.peer.number()),
        format!("--initial-advertise-peer-urls=http://{}", membership.peer_address),
        format!("--initial-cluster={}", membership.initial_cluster),
        // Plain HTTP whatever TLS and auth the clients need: health and metrics are always to be had.
        format!("--listen-metrics-urls=http://127.0.0.1:{}", ports.metrics.number()),
        format!("--heartbeat-interval={}", timing.heartbeat.as_millis()),
        format!("--election-timeout={}", timing.election.as_millis()),
        "--logger=zap".into(),
        "--log-outputs=stderr".into(),
        format!("--log-level={}", options.log_level.as_deref().unwrap_or("warn")),
    ];
    if etcd.version >= NO_FSYNC {
        flags.push("--unsafe-no-fsync".into());
    }
    if let Some(tls) = &options.tls {
        let identity = if tls.elsewhere { &tls.pki.elsewhere } else { &tls.pki.server };
        flags.push(format!("--cert-file={}", identity.cert_file.display()));
        flags.push(format!("--key-file={}", identity.key_file.display()));
        if tls.mutual {
            flags.push("--client-cert-auth=true".into());
            flags.push(format!("--trusted-ca-file={}", tls.pki.ca.cert_file.display()));
        }
    }
    if let Some(auth) = &options.auth {
        flags.extend(auth.flags(&dir.join("jwt.secret").display().to_string()));
    }
    flags.extend(options.flags.iter().cloned());
    flags
}

impl ServerOptions {
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}
