//! One private etcd on free loopback ports, and everything that can happen to it.

mod auth;
mod backup;
mod flags;
mod options;

use std::fs::{self, OpenOptions};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use etcd_client::{Certificate, Client, ConnectOptions, Identity, TlsOptions};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use auth::{Auth, Token};
pub use backup::Backup;
pub use options::ServerOptions;
pub(crate) use options::Timing;

use crate::binary::{Etcd, Version};
use crate::child::Tied;
use crate::metrics::Metrics;
use crate::port::Port;
use crate::{http, tls, trace};

/// How long a server may take until it is healthy, on a machine that is busy with other tests.
const START: Duration = Duration::from_secs(30);
/// How long a server may take to answer a look at its health: one that is frozen never does.
const LOOK: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(15);
/// Older servers settle on the cluster's version only seconds after they are healthy.
const SETTLES_AT_ONCE: Version = Version { major: 3, minor: 5, patch: 0 };

/// A running etcd, or one that was killed and can be restarted. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct Server {
    options: ServerOptions,
    membership: Membership,
    ports: Ports,
    dir: TempDir,
    process: Option<Tied>,
    frozen: AtomicBool,
    pid: Arc<AtomicU32>,
}

/// Its place in a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Membership {
    pub(crate) name: String,
    pub(crate) initial_cluster: String,
    /// Where the other members reach it.
    pub(crate) peer_address: SocketAddr,
    /// Where it tells clients that it is.
    pub(crate) client_address: SocketAddr,
}

pub(crate) struct Ports {
    pub(crate) client: Port,
    pub(crate) peer: Port,
    metrics: Port,
}

impl Server {
    /// Starts a server and waits until it is healthy, with authentication on if asked for.
    ///
    /// # Panics
    /// When there is no etcd, or it does not become healthy; its log is printed.
    pub async fn start(options: ServerOptions) -> Server {
        let mut server = Server::alone(options);
        server.launch();
        server.until_healthy().await;
        server.enable_auth().await;
        server
    }

    /// A plain server: [`start`](Server::start) with default options.
    pub async fn plain() -> Server {
        Server::start(ServerOptions::new()).await
    }

    fn alone(options: ServerOptions) -> Server {
        let ports = Ports::reserve();
        let peer_address = ports.peer.address();
        let membership = Membership {
            name: "alone".into(),
            initial_cluster: format!("alone=http://{peer_address}"),
            peer_address,
            client_address: ports.client.address(),
        };
        Server::new(options, membership, ports, Arc::default())
    }

    /// Not yet running: see [`launch`](Server::launch). `pid` is kept up to date, 0 while it does not run.
    pub(crate) fn new(options: ServerOptions, membership: Membership, ports: Ports, pid: Arc<AtomicU32>) -> Server {
        trace::init();
        let dir = tempfile::Builder::new().prefix("gocore-etcd-").tempdir().expect("a directory for the server");
        fs::write(dir.path().join("jwt.secret"), "a key that signs the tokens of a test")
            .expect("the token key's file");
        Server { options, membership, ports, dir, process: None, frozen: AtomicBool::new(false), pid }
    }

    /// Starts the process, without waiting for it to be healthy.
    pub(crate) fn launch(&mut self) {
        let etcd = self.etcd();
        let mut command = Command::new(&etcd.path);
        command.args(flags::flags(etcd, &self.options, &self.membership, &self.ports, self.dir.path()));
        // Flags alone decide: etcd would also listen to ETCD_… variables.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ETCD_") {
                command.env_remove(name);
            }
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log_file()).expect("the server's log");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let process = Tied::spawn(command).unwrap_or_else(|error| panic!("{}: {error}", etcd.path.display()));
        self.pid.store(process.pid(), Relaxed);
        self.process = Some(process);
    }

    /// Waits until it has read its data and begun to look for its peers.
    pub(crate) async fn until_booted(&mut self) {
        self.until("running", async |server| server.try_metrics().await.is_ok()).await;
    }

    /// Waits until it answers reads (its cluster has a leader) and has settled on the cluster's version, after which
    /// it proposes nothing by itself.
    pub(crate) async fn until_healthy(&mut self) {
        self.until("healthy", async |server| server.is_settled().await).await;
    }

    async fn until(&mut self, state: &str, reached: impl AsyncFn(&Server) -> bool) {
        let end = Instant::now() + START;
        let mut relaunches = 3;
        while !reached(self).await {
            if let Some(status) = self.process.as_mut().and_then(Tied::exited) {
                // Our ports are reserved, but a foreign process may have bound one with SO_REUSEPORT.
                assert!(relaunches > 0 && self.log().contains("address already in use"), "etcd ended: {status}");
                relaunches -= 1;
                self.launch();
            }
            assert!(Instant::now() < end, "etcd is not {state} after {START:?}");
            sleep(POLL).await;
        }
    }

    async fn is_settled(&self) -> bool {
        if http::get(self.ports.metrics.number(), "/health", LOOK).await.is_err() {
            return false;
        }
        let Version { major, minor, .. } = self.etcd().version;
        let settled = format!("etcd_cluster_version{{cluster_version=\"{major}.{minor}\"}}");
        let Ok(metrics) = self.try_metrics().await else { return false };
        metrics.get(&settled) == 1.0 || self.etcd().version < SETTLES_AT_ONCE
    }

    pub(crate) async fn enable_auth(&self) {
        if let Some(auth) = &self.options.auth {
            let client = self.connect(None).await;
            auth.enable(&client).await.expect("authentication can be turned on");
        }
    }

    /// `http://127.0.0.1:port`, or `https://…`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.options.scheme(), self.address())
    }

    /// Where clients connect to.
    pub fn address(&self) -> SocketAddr {
        self.ports.client.address()
    }

    /// The etcd it is.
    pub fn etcd(&self) -> &Etcd {
        self.options.etcd.as_ref().unwrap_or_else(|| Etcd::find())
    }

    /// Its options.
    pub fn options(&self) -> &ServerOptions {
        &self.options
    }

    /// Its users, when authentication is on.
    pub fn auth(&self) -> Option<&Auth> {
        self.options.auth.as_ref()
    }

    /// A plain etcd client on the direct, healthy path, as `root` when authentication is on: the second client that
    /// sees what is true.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn client(&self) -> Client {
        let root = self.options.auth.as_ref().map(|auth| ("root", auth.root_password.as_str()));
        self.connect(root).await
    }

    /// As [`client`](Server::client), as somebody (or nobody) else.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn connect(&self, user: Option<(&str, &str)>) -> Client {
        let mut options = ConnectOptions::new().with_connect_timeout(LOOK);
        if let Some((name, password)) = user {
            options = options.with_user(name, password).with_auto_token_refresh(true);
        }
        if let Some(options::Tls { pki, elsewhere, .. }) = &self.options.tls {
            let name = if *elsewhere { tls::ELSEWHERE } else { "127.0.0.1" };
            let ca = Certificate::from_pem(&pki.ca.cert);
            let identity = Identity::from_pem(&pki.client.cert, &pki.client.key);
            options = options.with_tls(TlsOptions::new().ca_certificate(ca).identity(identity).domain_name(name));
        }
        Client::connect([self.endpoint()], Some(options)).await.expect("a client on the direct path")
    }

    /// What it has counted so far.
    ///
    /// # Panics
    /// When it does not answer.
    pub async fn metrics(&self) -> Metrics {
        self.try_metrics().await.expect("the server's metrics")
    }

    pub(crate) async fn try_metrics(&self) -> io::Result<Metrics> {
        Ok(Metrics::parse(&http::get(self.ports.metrics.number(), "/metrics", LOOK).await?))
    }

    /// Whether it is healthy now; a frozen one is not.
    pub async fn is_healthy(&self) -> bool {
        http::get(self.ports.metrics.number(), "/health", LOOK).await.is_ok()
    }

    /// SIGSTOP: it holds its connections, its kernel accepts new ones, nothing is answered. Returns once it stands
    /// still.
    pub fn freeze(&self) {
        self.frozen.store(true, Relaxed);
        self.running().freeze();
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.frozen.store(false, Relaxed);
        self.running().thaw();
    }

    /// SIGKILL; returns once it is gone. Connecting is refused from then on.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
        }
        self.frozen.store(false, Relaxed);
        self.pid.store(0, Relaxed);
    }

    /// Kills it if it runs, and starts it again with the same data on the same ports; returns once it is healthy.
    ///
    /// # Panics
    /// When it does not become healthy.
    pub async fn restart(&mut self) {
        self.relaunch();
        self.until_healthy().await;
    }

    pub(crate) fn relaunch(&mut self) {
        self.kill();
        self.launch();
    }

    /// Its whole log so far, over restarts, without the complaints about our looking at its health too early.
    pub fn log(&self) -> String {
        let log = fs::read(self.log_file()).unwrap_or_default();
        let ours = |line: &str| line.contains("\"/health error\"") || line.contains("\"serving /health false");
        String::from_utf8_lossy(&log).split_inclusive('\n').filter(|line| !ours(line)).collect()
    }

    /// Whether it is worth asking: it runs and is not frozen.
    pub(crate) fn answers(&self) -> bool {
        self.process.is_some() && !self.frozen.load(Relaxed)
    }

    fn running(&self) -> &Tied {
        self.process.as_ref().expect("the server was killed")
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join(flags::DATA)
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if thread::panicking() {
            eprintln!("--- the log of etcd {} at {}:\n{}---", self.membership.name, self.address(), self.log());
        }
    }
}

impl Ports {
    pub(crate) fn reserve() -> Ports {
        let port = || Port::reserve().expect("a free loopback port");
        Ports { client: port(), peer: port(), metrics: port() }
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "client {}, peer {}, metrics {}", self.client.number(), self.peer.number(), self.metrics.number())
    }
}
