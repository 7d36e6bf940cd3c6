//! Configuration
//!
//! What gocore_etcd_client_connect reads. Zero means the default, everywhere.

use std::ffi::{c_char, c_void};

use gocore_etcd_core::bridge::invalid;
use gocore_etcd_core::{ClientConfig, Pem, Result, TlsConfig};

use crate::args::{Input, array, bytes, choice, input, milliseconds, optional_text, text};

/// Callbacks run on threads of the library: the default.
pub const GOCORE_ETCD_CALLBACKS_THREADS: i32 = 0;
/// Callbacks run inside gocore_etcd_client_dispatch, on the application's own threads.
pub const GOCORE_ETCD_CALLBACKS_DISPATCH: i32 = 1;

/// TLS: whom to trust, and who we are. Of each document either the file or the PEM text is given, not both.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_tls_config {
    /// Set by GOCORE_ETCD_TLS_CONFIG_INIT.
    pub struct_size: usize,
    /// The authorities to trust, as a file. Neither this nor `ca_pem`: the system's, or those of the environment variables
    /// SSL_CERT_FILE and SSL_CERT_DIR.
    pub ca_file: *const c_char,
    /// The authorities to trust, as PEM text.
    pub ca_pem: *const c_void,
    /// Its length in bytes.
    pub ca_pem_len: usize,
    /// Our own certificate with those that lead to its authority, as a file. Needs a key.
    pub cert_file: *const c_char,
    /// Our own certificate, as PEM text.
    pub cert_pem: *const c_void,
    /// Its length in bytes.
    pub cert_pem_len: usize,
    /// The private key of our certificate, as a file.
    pub key_file: *const c_char,
    /// The private key, as PEM text.
    pub key_pem: *const c_void,
    /// Its length in bytes.
    pub key_pem_len: usize,
    /// The name that the server's certificate must carry. NULL: the host of the endpoint.
    pub server_name: *const c_char,
}

// SAFETY: repr(C), begins with the size; numbers and raw pointers.
unsafe impl Input for gocore_etcd_tls_config {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, server_name) + size_of::<usize>();
}

/// How to reach etcd.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct gocore_etcd_client_config {
    /// Set by GOCORE_ETCD_CLIENT_CONFIG_INIT.
    pub struct_size: usize,
    /// The members: "host:port", "http://host:port" or "https://host:port"; an IPv6 address in brackets.
    pub endpoints: *const *const c_char,
    /// How many there are; at least one.
    pub endpoints_len: usize,
    /// The prefix below which all keys of the client lie. NULL: "/go-core".
    pub prefix: *const c_char,
    /// The user to authenticate as. NULL: nobody.
    pub username: *const c_char,
    /// The user's password; NULL is the empty one. Copied, wiped when the client is gone, never shown.
    pub password: *const c_char,
    /// TLS. NULL: none for "http://" and bare endpoints, the system's authorities for "https://".
    pub tls: *const gocore_etcd_tls_config,
    /// How long connecting may take in all. 0: 5,000.
    pub dial_timeout_ms: i64,
    /// How long a request may take where the call sets no limit, retries included. 0: 8,000.
    pub request_timeout_ms: i64,
    /// How often the cluster is asked for its members. 0: never; below 100 is refused.
    pub auto_sync_interval_ms: i64,
    /// How often a connection in use is pinged. 0: 10,000; below 5,000 is refused.
    pub keep_alive_interval_ms: i64,
    /// How long the answer to a ping may take. 0: 3,000; below 100 is refused.
    pub keep_alive_timeout_ms: i64,
    /// Where callbacks run: GOCORE_ETCD_CALLBACKS_THREADS or GOCORE_ETCD_CALLBACKS_DISPATCH.
    pub callbacks: i32,
    /// Zero.
    pub reserved: i32,
}

// SAFETY: repr(C), begins with the size; numbers and raw pointers.
unsafe impl Input for gocore_etcd_client_config {
    const FIRST_SIZE: usize = std::mem::offset_of!(Self, reserved) + size_of::<i32>();
}

/// The configuration in the core's form, and whether callbacks are dispatched by the application.
pub(crate) fn read(op: &'static str, config: *const gocore_etcd_client_config) -> Result<(ClientConfig, bool)> {
    let given = input(op, "config", config)?.ok_or_else(|| invalid(op, "config", "must not be NULL"))?;
    let endpoints = array(op, "config.endpoints", given.endpoints, given.endpoints_len)?;
    let endpoints: Result<Vec<&str>> = endpoints.iter().map(|one| text(op, "config.endpoints", *one)).collect();
    let mut config = ClientConfig::new(endpoints?);
    if let Some(prefix) = optional_text(op, "config.prefix", given.prefix)? {
        config = config.prefix(prefix);
    }
    let password = optional_text(op, "config.password", given.password)?;
    match optional_text(op, "config.username", given.username)? {
        Some(name) => config = config.user(name, password.unwrap_or_default()),
        None if password.is_some() => return Err(invalid(op, "config.password", "given without a username")),
        None => {}
    }
    if let Some(tls) = input(op, "config.tls", given.tls)? {
        config = config.tls(read_tls(op, tls)?);
    }
    let ms = |argument, ms| milliseconds(op, argument, ms);
    config = config
        .dial_timeout(ms("config.dial_timeout_ms", given.dial_timeout_ms)?)
        .request_timeout(ms("config.request_timeout_ms", given.request_timeout_ms)?)
        .auto_sync_interval(Some(ms("config.auto_sync_interval_ms", given.auto_sync_interval_ms)?))
        .keep_alive(
            ms("config.keep_alive_interval_ms", given.keep_alive_interval_ms)?,
            ms("config.keep_alive_timeout_ms", given.keep_alive_timeout_ms)?,
        );
    let choices = [(GOCORE_ETCD_CALLBACKS_THREADS, false), (GOCORE_ETCD_CALLBACKS_DISPATCH, true)];
    let dispatched = choice(op, "config.callbacks", given.callbacks, &choices)?;
    if given.reserved != 0 {
        return Err(invalid(op, "config.reserved", "must be zero"));
    }
    Ok((config, dispatched))
}

fn read_tls(op: &'static str, given: gocore_etcd_tls_config) -> Result<TlsConfig> {
    let mut tls = TlsConfig::new();
    if let Some(ca) = pem(op, "config.tls.ca", given.ca_file, given.ca_pem, given.ca_pem_len)? {
        tls = tls.ca(ca);
    }
    if let Some(cert) = pem(op, "config.tls.cert", given.cert_file, given.cert_pem, given.cert_pem_len)? {
        tls = tls.cert(cert);
    }
    if let Some(key) = pem(op, "config.tls.key", given.key_file, given.key_pem, given.key_pem_len)? {
        tls = tls.key(key);
    }
    if let Some(name) = optional_text(op, "config.tls.server_name", given.server_name)? {
        tls = tls.server_name(name);
    }
    Ok(tls)
}

fn pem(
    op: &'static str,
    argument: &str,
    file: *const c_char,
    pem: *const c_void,
    pem_len: usize,
) -> Result<Option<Pem>> {
    let file = optional_text(op, &format!("{argument}_file"), file)?;
    let pem = (!pem.is_null() || pem_len != 0).then(|| bytes(op, &format!("{argument}_pem"), pem, pem_len));
    match (file, pem.transpose()?) {
        (Some(_), Some(_)) => Err(invalid(op, argument, "given as a file and as PEM text: give one of them")),
        (Some(file), None) => Ok(Some(Pem::File(file.into()))),
        (None, Some(pem)) => Ok(Some(Pem::from(pem))),
        (None, None) => Ok(None),
    }
}
