//! How to reach etcd: endpoints, prefix, credentials, TLS, time limits; every default with its reason.
//!
//! A configuration is data. It reads no flags, no environment and no globals, and says everything that is wrong with it
//! at once ([`ClientConfig::validate`]). Files are read when it is validated and when a client connects; the system's
//! roots too, where TLS names no authority ([`TlsConfig::ca`]), and these alone listen to the environment.

mod address;
mod tls;

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::keyspace::DEFAULT_PREFIX;

pub(crate) use address::Address;
pub(crate) use tls::TlsMaterial;
pub use tls::{Pem, TlsConfig};

/// Long enough for a lookup, a handshake over a slow link and one member that must be given up; short enough for a
/// person who mistyped a port.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);

/// etcd gives a request up after 5 s + two election timeouts, 7 s unless configured otherwise, and then says what
/// became of it. A limit below that hides the answer and leaves "may have been applied" in its place.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);

/// Below 5 s etcd ends the connection ("too many pings"); twice that leaves room for delayed pings.
const PING_INTERVAL: Duration = Duration::from_secs(10);
const SHORTEST_PING_INTERVAL: Duration = Duration::from_secs(5);

/// How long a ping's answer may take before the connection counts as dead.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// A shorter interval, or patience with a ping, is a mistake in the unit: no member could keep up with it.
const SHORTEST: Duration = Duration::from_millis(100);

const LONGEST_PREFIX: usize = 1024;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

const OP: &str = "client.connect";

/// How a client reaches etcd.
///
/// A duration of zero means the default. Nothing is checked before [`validate`](Self::validate) or connecting.
#[derive(Clone)]
pub struct ClientConfig {
    pub(crate) endpoints: Vec<String>,
    pub(crate) prefix: String,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) tls: Option<TlsConfig>,
    pub(crate) dial_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) auto_sync_interval: Option<Duration>,
    pub(crate) ping_interval: Duration,
    pub(crate) ping_timeout: Duration,
}

/// A user's name and password; the password is wiped from memory when the last copy goes, and never shown.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: Zeroizing<String>,
}

/// What a valid configuration comes to: files read, texts parsed.
pub(crate) struct Resolved {
    /// Without duplicates, all with the same scheme.
    pub(crate) addresses: Vec<Address>,
    /// Present exactly when the addresses are `https`.
    pub(crate) tls: Option<TlsMaterial>,
}

impl ClientConfig {
    /// A client of the members at `endpoints`: `host:port`, `http://host:port` or `https://host:port`; an IPv6 address
    /// in brackets. Without a scheme it is https when [`tls`](Self::tls) is set, else http.
    pub fn new<E: Into<String>>(endpoints: impl IntoIterator<Item = E>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            prefix: DEFAULT_PREFIX.to_string(),
            credentials: None,
            tls: None,
            dial_timeout: DIAL_TIMEOUT,
            request_timeout: REQUEST_TIMEOUT,
            auto_sync_interval: None,
            ping_interval: PING_INTERVAL,
            ping_timeout: PING_TIMEOUT,
        }
    }

    /// The prefix below which all keys of the client lie. Default: `/go-core`, as in the Go package.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The user to authenticate as. Default: nobody. On a server without authentication a client with a user connects
    /// all the same, with a warning in the log.
    ///
    /// When the server refuses the user later on (another password, a user that is gone), calls give Unauthenticated; the
    /// server is asked again after a second, and after each further refusal twice as long, up to 30 s.
    pub fn user(mut self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.credentials = Some(Credentials { name: name.into(), password: Zeroizing::new(password.into()) });
        self
    }

    /// TLS. Default: none for `http://` and bare endpoints, the [system's roots](TlsConfig::ca) for `https://`.
    pub fn tls(mut self, tls: TlsConfig) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How long connecting may take in all. Default: 5 s.
    pub fn dial_timeout(mut self, timeout: Duration) -> Self {
        self.dial_timeout = or_default(timeout, DIAL_TIMEOUT);
        self
    }

    /// How long a single request may take where the caller sets no limit, retries included. Default: 8 s: etcd itself
    /// gives up after 7 s and then says precisely what happened; a shorter limit hides that answer.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = or_default(timeout, REQUEST_TIMEOUT);
        self
    }

    /// How often the cluster is asked for its members; below 100 ms is refused. Default: `None`, never: members often
    /// advertise addresses that only work inside their own network.
    pub fn auto_sync_interval(mut self, interval: Option<Duration>) -> Self {
        self.auto_sync_interval = interval.filter(|interval| !interval.is_zero());
        self
    }

    /// Pings on connections that carry a request or a stream. Default: every 10 s, answered within 3 s. etcd ends
    /// connections that ping more often than every 5 s, so a shorter interval is refused; so is a timeout below 100 ms.
    pub fn keep_alive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.ping_interval = or_default(interval, PING_INTERVAL);
        self.ping_timeout = or_default(timeout, PING_TIMEOUT);
        self
    }

    /// Says everything that is wrong, naming each field. Reads the files that are named.
    ///
    /// # Errors
    /// `InvalidArgument` when something is wrong; `Unsupported` when it wants TLS and this build has none.
    pub fn validate(&self) -> Result<()> {
        self.resolve().map(drop)
    }

    /// Checks everything, reads the files and gives what a connection needs.
    pub(crate) fn resolve(&self) -> Result<Resolved> {
        let mut problems = Vec::new();
        let addresses = address::parse_all(&self.endpoints, self.tls.is_some(), &mut problems);
        self.check_texts(&mut problems);
        self.check_durations(&mut problems);
        let uses_tls = addresses.iter().any(Address::is_tls);
        let tls = match &self.tls {
            Some(tls) => tls.resolve(&mut problems),
            None if uses_tls => TlsMaterial::system_roots(),
            None => None,
        };
        if !problems.is_empty() {
            return Err(Error::new(ErrorKind::InvalidArgument, OP).with_detail(problems.join("; ")));
        }
        if cfg!(not(feature = "tls")) && (uses_tls || self.tls.is_some()) {
            return Err(Error::new(ErrorKind::Unsupported, OP).with_detail("tls: this build has no TLS"));
        }
        if let (Some(tls), Some(address)) = (&tls, addresses.first()) {
            tls.check(address).map_err(|why| Error::invalid(OP, "tls", why))?;
        }
        Ok(Resolved { addresses, tls })
    }

    fn check_texts(&self, problems: &mut Vec<String>) {
        if self.prefix.contains('\0') {
            problems.push("prefix: must not contain NUL".to_string());
        }
        if self.prefix.len() > LONGEST_PREFIX {
            let length = self.prefix.len();
            problems.push(format!("prefix: is {length} bytes long, at most {LONGEST_PREFIX} are allowed"));
        }
        if self.credentials.as_ref().is_some_and(|credentials| credentials.name.is_empty()) {
            problems.push("user: the name must not be empty".to_string());
        }
    }

    fn check_durations(&self, problems: &mut Vec<String>) {
        let mut at_most = |field: &str, duration: Duration, limit: Duration, words: &str| {
            if duration > limit {
                problems.push(format!("{field}: {duration:?} is more than {words}"));
            }
        };
        at_most("dial_timeout", self.dial_timeout, DAY, "a day");
        at_most("request_timeout", self.request_timeout, YEAR, "a year");
        at_most("auto_sync_interval", self.auto_sync_interval.unwrap_or_default(), YEAR, "a year");
        at_most("keep_alive.interval", self.ping_interval, YEAR, "a year");
        at_most("keep_alive.timeout", self.ping_timeout, YEAR, "a year");
        let at_least =
            [("auto_sync_interval", self.auto_sync_interval), ("keep_alive.timeout", Some(self.ping_timeout))];
        for (field, duration) in at_least {
            if let Some(duration) = duration.filter(|duration| *duration < SHORTEST) {
                problems.push(format!("{field}: {duration:?} is less than {SHORTEST:?}"));
            }
        }
        if self.ping_interval < SHORTEST_PING_INTERVAL {
            let interval = self.ping_interval;
            problems.push(format!("keep_alive.interval: {interval:?} is less than 5s, etcd would end the connection"));
        }
    }
}

fn or_default(duration: Duration, default: Duration) -> Duration {
    if duration.is_zero() { default } else { duration }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoints: Vec<_> = self.endpoints.iter().map(|endpoint| address::shown(endpoint)).collect();
        f.debug_struct("ClientConfig")
            .field("endpoints", &endpoints)
            .field("prefix", &self.prefix)
            .field("user", &self.credentials.as_ref().map(|credentials| &credentials.name))
            .field("tls", &self.tls)
            .field("dial_timeout", &self.dial_timeout)
            .field("request_timeout", &self.request_timeout)
            .field("auto_sync_interval", &self.auto_sync_interval)
            .field("keep_alive", &(self.ping_interval, self.ping_timeout))
            .finish()
    }
}

#[cfg(test)]
mod tests;
