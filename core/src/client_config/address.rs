//! One endpoint: `host:port` with or without a scheme, and nothing else.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

/// Where a member listens. Shown as `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    tls: bool,
    authority: String,
}

impl Address {
    pub(crate) fn is_tls(&self) -> bool {
        self.tls
    }

    /// `default_tls` decides for a text without a scheme.
    pub(crate) fn parse(text: &str, default_tls: bool) -> Result<Self, String> {
        let (tls, authority) = match text.split_once("://") {
            None => (default_tls, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err("the scheme must be http or https".to_string()),
        };
        // What precedes an @ may be a password, so it is neither accepted nor repeated.
        if authority.contains('@') {
            return Err("must not contain a user; use ClientConfig::user".to_string());
        }
        if authority.contains(['/', '?', '#']) {
            return Err("must not contain a path, query or fragment".to_string());
        }
        let (host, port) = authority.rsplit_once(':').ok_or("the port is missing")?;
        check_host(host)?;
        check_port(port)?;
        Ok(Self { tls, authority: authority.to_ascii_lowercase() })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

fn check_host(host: &str) -> Result<(), String> {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or("the bracket of the IPv6 address is not closed")?;
        return inner.parse::<Ipv6Addr>().map(drop).map_err(|_| "what stands in brackets is no IPv6 address".into());
    }
    match host {
        "" => Err("the host is missing".to_string()),
        _ if host.contains(':') => Err("an IPv6 address must stand in brackets: [::1]:2379".to_string()),
        _ if host.len() > 253 => Err("the host is longer than 253 bytes".to_string()),
        _ if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)) => {
            Err("the host may contain letters, digits, '-', '.' and '_'".to_string())
        }
        _ => Ok(()),
    }
}

fn check_port(port: &str) -> Result<(), String> {
    match port.parse::<u16>() {
        Ok(1..) if port.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ if port.is_empty() => Err("the port is missing".to_string()),
        _ => Err("the port must be a number from 1 to 65535".to_string()),
    }
}

/// The addresses that could be read, without duplicates; what is wrong is added to `problems`.
pub(super) fn parse_all(endpoints: &[String], tls_is_set: bool, problems: &mut Vec<String>) -> Vec<Address> {
    if endpoints.is_empty() {
        problems.push("endpoints: must not be empty".to_string());
    }
    let mut addresses: Vec<Address> = Vec::with_capacity(endpoints.len());
    for (index, endpoint) in endpoints.iter().enumerate() {
        match Address::parse(endpoint, tls_is_set) {
            Ok(address) if addresses.contains(&address) => {}
            Ok(address) => addresses.push(address),
            Err(why) => problems.push(format!("endpoints[{index}] {:?}: {why}", shown(endpoint))),
        }
    }
    let plain = addresses.iter().any(|address| !address.is_tls());
    if tls_is_set && plain {
        problems.push("endpoints: TLS is set, but there is an http:// endpoint".to_string());
    } else if plain && addresses.iter().any(Address::is_tls) {
        problems.push("endpoints: http:// and https:// must not be mixed".to_string());
    }
    addresses
}

/// An endpoint as it may be printed: without what could be a password.
pub(super) fn shown(endpoint: &str) -> Cow<'_, str> {
    match endpoint.rsplit_once('@') {
        None => Cow::Borrowed(endpoint),
        Some((_, host)) => Cow::Owned(format!("***@{host}")),
    }
}
