//! Several real members, with a proxy in front of each client port and of each peer port.

mod source;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use etcd_client::Client;

use crate::eventually;
use crate::metrics::Metrics;
use crate::proxy::Proxy;
use crate::server::{Auth, Membership, Ports, Server, ServerOptions, Timing};

/// How long a new leader may take on a busy machine; etcd needs 1 to 3 s.
const ELECTION: Duration = Duration::from_secs(20);

/// What kind of cluster a test wants.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    members: usize,
    server: ServerOptions,
    peer_delay: Duration,
}

impl ClusterOptions {
    /// So many plain members.
    pub fn new(members: usize) -> ClusterOptions {
        ClusterOptions { members, server: ServerOptions::new(), peer_delay: Duration::ZERO }
    }

    /// What each member is like.
    pub fn server(mut self, options: ServerOptions) -> Self {
        self.server = options;
        self
    }

    /// How long each message between members is under way.
    pub fn peer_delay(mut self, delay: Duration) -> Self {
        self.peer_delay = delay;
        self
    }
}

/// A running cluster. Members are counted from 0.
#[derive(Debug)]
pub struct Cluster {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    server: Server,
    clients: Proxy,
    peers: Proxy,
    peer_delay: Duration,
}

impl Member {
    /// The usual state between members.
    fn connect_peers(&self) {
        match self.peer_delay {
            Duration::ZERO => self.peers.pass(),
            delay => self.peers.delay(delay),
        }
    }
}

impl Cluster {
    /// Starts `members` plain members, and waits until all are healthy and agree on a leader.
    ///
    /// # Panics
    /// When that does not happen; the members' logs are printed.
    pub async fn start(members: usize) -> Cluster {
        Cluster::start_with(ClusterOptions::new(members)).await
    }

    /// As [`start`](Cluster::start), with options.
    ///
    /// # Panics
    /// When the cluster does not become healthy; the members' logs are printed.
    pub async fn start_with(options: ClusterOptions) -> Cluster {
        let mut cluster = Cluster::build(options);
        // A member that boots asks the others who they are; one that listens but does not answer yet costs it 2 s.
        // Refused it boots at once.
        for member in &mut cluster.members {
            member.peers.refuse();
            member.server.launch();
        }
        for member in &mut cluster.members {
            member.server.until_booted().await;
        }
        for member in &mut cluster.members {
            member.connect_peers();
        }
        for member in &mut cluster.members {
            member.server.until_healthy().await;
        }
        cluster.leader().await;
        cluster.members[0].server.enable_auth().await;
        cluster
    }

    fn build(ClusterOptions { members, mut server, peer_delay }: ClusterOptions) -> Cluster {
        server.timing = server.timing.or(Some(Timing::ETCD));
        let pids: Vec<Arc<AtomicU32>> = (0..members).map(|_| Arc::default()).collect();
        let ports: Vec<Ports> = (0..members).map(|_| Ports::reserve()).collect();
        let between = |ports: &Ports| {
            let pids = pids.clone();
            Proxy::start_identifying(ports.peer.address(), move |from| source::owner(from, &pids))
        };
        let peers: Vec<Proxy> = ports.iter().map(between).collect();
        let name = |i: usize| format!("m{i}");
        let named = |(i, proxy): (usize, &Proxy)| format!("{}=http://{}", name(i), proxy.address());
        let initial_cluster = peers.iter().enumerate().map(named).collect::<Vec<_>>().join(",");
        let member = |(i, (ports, peers)): (usize, (Ports, Proxy))| {
            let clients = Proxy::start(ports.client.address());
            let membership = Membership {
                name: name(i),
                initial_cluster: initial_cluster.clone(),
                peer_address: peers.address(),
                client_address: clients.address(),
            };
            let server = Server::new(server.clone(), membership, ports, pids[i].clone());
            Member { server, clients, peers, peer_delay }
        };
        Cluster { members: ports.into_iter().zip(peers).enumerate().map(member).collect() }
    }

    /// How many members it has.
    pub fn size(&self) -> usize {
        self.members.len()
    }

    /// The members as clients are told: through the proxies.
    pub fn endpoints(&self) -> Vec<String> {
        self.members
            .iter()
            .map(|member| format!("{}://{}", member.server.options().scheme(), member.clients.address()))
            .collect()
    }

    /// The members without the proxies.
    pub fn direct_endpoints(&self) -> Vec<String> {
        self.members.iter().map(|member| member.server.endpoint()).collect()
    }

    /// Where clients connect to: [`endpoints`](Cluster::endpoints) as addresses.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.members.iter().map(|member| member.clients.address()).collect()
    }

    /// The proxy in front of a member's client port.
    pub fn proxy(&self, i: usize) -> &Proxy {
        &self.members[i].clients
    }

    /// A member; its own `client()` and `metrics()` go past the proxy.
    pub fn server(&self, i: usize) -> &Server {
        &self.members[i].server
    }

    /// Its users, when authentication is on.
    pub fn auth(&self) -> Option<&Auth> {
        self.members[0].server.auth()
    }

    /// A plain etcd client on a direct path to a member: see [`Server::client`].
    pub async fn client(&self, i: usize) -> Client {
        self.members[i].server.client().await
    }

    /// The leader, once all members that answer know one and one of them is it.
    ///
    /// # Panics
    /// When no leader is found in time: no quorum?
    pub async fn leader(&self) -> usize {
        eventually(ELECTION, "the members that answer agree on a leader among them", async || {
            self.agreed_leader().await
        })
        .await
    }

    /// Waits until a member other than `old` leads, and returns it.
    ///
    /// # Panics
    /// When that does not happen in time.
    pub async fn leader_other_than(&self, old: usize) -> usize {
        let other = async || self.agreed_leader().await.filter(|leader| *leader != old);
        eventually(ELECTION, "another leader", other).await
    }

    /// A member that does not lead: the first after the leader.
    pub async fn follower(&self) -> usize {
        (self.leader().await + 1) % self.size()
    }

    async fn agreed_leader(&self) -> Option<usize> {
        let mut leaders = Vec::new();
        for (i, metrics) in self.answering().await {
            if !metrics.has_leader() {
                return None;
            }
            leaders.extend(metrics.is_leader().then_some(i));
        }
        match leaders[..] {
            [leader] => Some(leader),
            _ => None,
        }
    }

    async fn answering(&self) -> Vec<(usize, Metrics)> {
        let mut answers = Vec::new();
        for (i, member) in self.members.iter().enumerate().filter(|(_, member)| member.server.answers()) {
            if let Ok(metrics) = member.server.try_metrics().await {
                answers.push((i, metrics));
            }
        }
        answers
    }

    /// SIGSTOP to a member: see [`Server::freeze`].
    pub fn freeze(&self, i: usize) {
        self.members[i].server.freeze();
    }

    /// SIGCONT to a member.
    pub fn thaw(&self, i: usize) {
        self.members[i].server.thaw();
    }

    /// SIGKILL to a member.
    pub fn kill(&mut self, i: usize) {
        self.members[i].server.kill();
    }

    /// Starts a member again with its data; returns once it is healthy.
    ///
    /// # Panics
    /// When it does not become healthy (it cannot without a quorum: see [`relaunch`](Cluster::relaunch)).
    pub async fn restart(&mut self, i: usize) {
        self.members[i].server.restart().await;
    }

    /// Starts a member again without waiting for it.
    pub fn relaunch(&mut self, i: usize) {
        self.members[i].server.relaunch();
    }

    /// Swallows all traffic between a member and the others. Clients still reach it.
    pub fn isolate(&self, i: usize) {
        self.members[i].peers.black_hole();
        self.mute(i, true);
    }

    /// Ends [`isolate`](Cluster::isolate).
    pub fn heal(&self, i: usize) {
        self.members[i].connect_peers();
        self.mute(i, false);
    }

    fn mute(&self, source: usize, muted: bool) {
        for (_, member) in self.members.iter().enumerate().filter(|(other, _)| *other != source) {
            member.peers.mute(source, muted);
        }
    }
}
