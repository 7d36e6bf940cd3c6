//! Connecting and closing.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use gocore_etcd_core::bridge::{Limit, Owned, Runtime};
use gocore_etcd_core::{ClientConfig, Pem, Result, TlsConfig};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::call::{Call, Connection, Operation, enter, start};
use crate::queue::Queue;

/// A connected client. The last handle that goes closes it in the background.
#[pyclass(frozen, module = "gocore_etcd._native")]
pub(crate) struct Client(Owned<Arc<Connection>>);

impl Client {
    /// # Errors
    /// WrongContext in a forked child.
    pub(crate) fn connection(&self, op: &'static str) -> Result<&Arc<Connection>> {
        self.0.get(op)
    }
}

#[pymethods]
impl Client {
    /// The prefix below which everything of this client lies.
    #[getter]
    fn prefix(&self) -> &str {
        self.0.peek().client.prefix()
    }

    /// A key below the prefix.
    fn key(&self, parts: Vec<String>) -> String {
        self.0.peek().client.key(parts.iter().map(String::as_str))
    }
}

/// A document, or the path of the file that holds it.
#[derive(FromPyObject)]
enum PemArgument {
    Bytes(PyBackedBytes),
    File(PathBuf),
}

impl From<PemArgument> for Pem {
    fn from(pem: PemArgument) -> Self {
        match pem {
            PemArgument::Bytes(bytes) => Pem::Bytes(bytes.to_vec()),
            PemArgument::File(path) => Pem::File(path),
        }
    }
}

/// Python's `TlsConfig`.
#[derive(FromPyObject)]
struct TlsArgument {
    ca: Option<PemArgument>,
    cert: Option<PemArgument>,
    key: Option<PemArgument>,
    server_name: Option<String>,
}

impl From<TlsArgument> for TlsConfig {
    fn from(argument: TlsArgument) -> Self {
        let mut tls = TlsConfig::new();
        if let Some(ca) = argument.ca {
            tls = tls.ca(ca);
        }
        if let Some(cert) = argument.cert {
            tls = tls.cert(cert);
        }
        if let Some(key) = argument.key {
            tls = tls.key(key);
        }
        match argument.server_name {
            Some(name) => tls.server_name(name),
            None => tls,
        }
    }
}

/// Python's `Settings`; times in nanoseconds, 0 for the default.
#[derive(FromPyObject)]
pub(crate) struct Settings {
    endpoints: Vec<String>,
    prefix: String,
    username: Option<String>,
    password: Option<String>,
    dial_timeout: u64,
    request_timeout: u64,
    tls: Option<TlsArgument>,
    auto_sync_interval: u64,
}

impl From<Settings> for ClientConfig {
    fn from(settings: Settings) -> Self {
        let auto_sync = Duration::from_nanos(settings.auto_sync_interval);
        let mut config = ClientConfig::new(settings.endpoints)
            .prefix(settings.prefix)
            .dial_timeout(Duration::from_nanos(settings.dial_timeout))
            .request_timeout(Duration::from_nanos(settings.request_timeout))
            .auto_sync_interval(Some(auto_sync));
        if let Some(name) = settings.username {
            config = config.user(name, settings.password.unwrap_or_default());
        }
        match settings.tls {
            Some(tls) => config.tls(tls.into()),
            None => config,
        }
    }
}

/// Starts connecting; the answer is a `Client`, whose answers go to `queue` too.
#[pyfunction]
pub(crate) fn client_connect(py: Python<'_>, queue: &Queue, waiter: u64, settings: Settings) -> PyResult<Operation> {
    let op = "client.connect";
    enter(py, op, || {
        let runtime = Runtime::shared(op)?;
        let notices = queue.notices.clone();
        let call = Call { op, key: b"", writes: false, limit: Limit::Default, waiter };
        let connecting = runtime.clone().connect(settings.into());
        let connected = (runtime.clone(), notices.clone());
        Ok(start(&runtime, &notices, call, connecting, move |py, client| {
            let (runtime, notices) = connected;
            let connection = Arc::new(Connection { client, runtime, notices });
            Ok(Py::new(py, Client(Owned::new(connection)))?.into_any())
        }))
    })
}

/// Starts closing; the answer is None.
#[pyfunction]
pub(crate) fn client_close(py: Python<'_>, client: &Client, waiter: u64) -> PyResult<Operation> {
    let op = "client.close";
    enter(py, op, || {
        let connection = client.connection(op)?;
        let call = Call { op, key: b"", writes: false, limit: Limit::Default, waiter };
        let closing = connection.client.clone();
        let work = async move { closing.close().await };
        Ok(start(&connection.runtime, &connection.notices, call, work, |py, ()| Ok(py.None())).going_on())
    })
}
