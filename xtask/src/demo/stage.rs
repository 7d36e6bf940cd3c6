//! The etcd that the acts play on, seen by a plain client on a path that nobody cuts.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use etcd_client::{Client, ConnectOptions, DeleteOptions, EventType, GetOptions, SortOrder, SortTarget, WatchOptions};
use gocore_etcd_tests::clock::boottime;
use gocore_etcd_tests::{Proxy, Server, ServerOptions};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Options;
use super::cast::Cast;
use super::contest::Contest;
use crate::Outcome;

/// How long an etcd may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Stage {
    /// Which etcd it is, for the title.
    pub(super) etcd: String,
    /// `host:port` each.
    pub(super) endpoints: Vec<String>,
    /// In front of the first endpoint.
    pub(super) proxy: Proxy,
    /// Nobody else has keys below it.
    pub(super) prefix: String,
    client: Client,
    /// Last, so that it outlives whoever talks to it.
    private: Option<Server>,
}

/// A contender's key, as etcd has it.
pub(super) struct Contender {
    pub(super) key: String,
    pub(super) revision: i64,
    pub(super) lease: i64,
}

/// The end of a contender's key.
pub(super) struct Deletion {
    pub(super) key: String,
    pub(super) revision: i64,
    pub(super) at: Duration,
}

impl Stage {
    /// Starts a private etcd, or connects to the user's.
    pub(super) async fn set(options: &Options) -> Result<Stage, String> {
        let (endpoints, private) = if options.endpoints.is_empty() {
            // As a user runs it: with fsync, and etcd's own timing.
            let server = Server::start(ServerOptions::new().etcd_timing().flag("--unsafe-no-fsync=false")).await;
            (vec![server.address().to_string()], Some(server))
        } else {
            (options.endpoints.clone(), None)
        };
        let connect = ConnectOptions::new().with_connect_timeout(PATIENCE).with_timeout(PATIENCE);
        let unreachable = |error| format!("no etcd answers at {}: {error}", endpoints.join(", "));
        let client = Client::connect(&endpoints, Some(connect)).await.map_err(unreachable)?;
        let version = client.maintenance_client().status().await.map_err(unreachable)?.version().to_owned();
        let (etcd, parent) = match &private {
            Some(server) => (format!("{}, private, on {}", server.etcd(), endpoints[0]), "/go-core".to_owned()),
            None => (format!("etcd {version}, yours, on {}", endpoints.join(", ")), unique()),
        };
        let prefix = format!("{}{parent}", options.prefix);
        let proxy = Proxy::start(reachable(&endpoints[0]).await?);
        Ok(Stage { etcd, endpoints, proxy, prefix, client, private })
    }

    /// The full key of a contest, without the contender's part.
    pub(super) fn key(&self, contest: &Contest) -> String {
        format!("{}/{}/{}", self.prefix, contest.room, contest.key.trim_matches('/'))
    }

    /// Who is in the queue of a contest, in the order of arrival.
    pub(super) async fn queue(&self, contest: &str) -> Result<Vec<Contender>, String> {
        let options = GetOptions::new().with_prefix().with_sort(SortTarget::Create, SortOrder::Ascend);
        let answer = self.client.kv_client().get(format!("{contest}/"), Some(options)).await.map_err(told)?;
        let contender = |kv: &etcd_client::KeyValue| Contender {
            key: String::from_utf8_lossy(kv.key()).into_owned(),
            revision: kv.create_revision(),
            lease: kv.lease(),
        };
        Ok(answer.kvs().iter().map(contender).collect())
    }

    /// The TTL that etcd granted, which counts.
    pub(super) async fn granted(&self, lease: i64) -> Result<Duration, String> {
        let answer = self.client.lease_client().time_to_live(lease, None).await.map_err(told)?;
        Ok(Duration::from_secs(answer.granted_ttl().try_into().unwrap_or(0)))
    }

    /// A key's value and the revision of its last change.
    pub(super) async fn read(&self, key: &str) -> Result<(String, i64), String> {
        let answer = self.client.kv_client().get(key, None).await.map_err(told)?;
        let kv = answer.kvs().first().ok_or_else(|| format!("{key} is not in etcd"))?;
        Ok((String::from_utf8_lossy(kv.value()).into_owned(), kv.mod_revision()))
    }

    pub(super) async fn delete(&self, key: &str) -> Outcome {
        self.client.kv_client().delete(key, None).await.map(drop).map_err(told)
    }

    /// The keys below our prefix and, where etcd is ours alone, the leases.
    pub(super) async fn left(&self) -> Result<Vec<String>, String> {
        let below = GetOptions::new().with_prefix().with_keys_only();
        let found = self.client.kv_client().get(format!("{}/", self.prefix), Some(below)).await.map_err(told)?;
        let mut left: Vec<_> = found.kvs().iter().map(|kv| String::from_utf8_lossy(kv.key()).into_owned()).collect();
        if self.private.is_some() {
            let leases = self.client.lease_client().leases().await.map_err(told)?;
            left.extend(leases.leases().iter().map(|lease| format!("lease {:x}", lease.id())));
        }
        Ok(left)
    }

    /// Sees contenders go, from now on.
    pub(super) async fn deletions(&self, contest: &str) -> Result<Deletions, String> {
        let options = WatchOptions::new().with_prefix();
        let mut stream = self.client.watch_client().watch(format!("{contest}/"), Some(options)).await.map_err(told)?;
        let (sender, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(answer)) = stream.message().await {
                let at = boottime();
                let deleted = answer.events().iter().filter(|event| event.event_type() == EventType::Delete);
                for kv in deleted.filter_map(|event| event.kv()) {
                    let key = String::from_utf8_lossy(kv.key()).into_owned();
                    if sender.send(Deletion { key, revision: kv.mod_revision(), at }).is_err() {
                        // The act is over.
                        return;
                    }
                }
            }
        });
        Ok(Deletions(seen))
    }

    /// Ends the workers and leaves the etcd as it was found.
    pub(super) async fn clear(self, mut cast: Cast) -> Outcome {
        if self.private.is_some() {
            // All of it goes; nobody need be asked.
            return Ok(());
        }
        // So that a worker that was cut off can say farewell too.
        self.proxy.pass();
        cast.ask_to_close();
        // A worker that waits in a queue hears nothing else until its place in the queue is gone.
        let swept = self.sweep().await;
        cast.ended().await;
        let swept = swept.and(self.sweep().await);
        swept.map_err(|error| format!("keys may be left below {}: {error}", self.prefix))
    }

    /// Revokes the leases below our prefix, and deletes what was under none.
    async fn sweep(&self) -> Result<(), etcd_client::Error> {
        let (mut kv, below) = (self.client.kv_client(), format!("{}/", self.prefix));
        // With the values: asked for keys only, etcd 3.7 leaves the leases out.
        let found = kv.get(below.as_str(), Some(GetOptions::new().with_prefix())).await?;
        let leases: BTreeSet<i64> = found.kvs().iter().map(|kv| kv.lease()).filter(|lease| *lease != 0).collect();
        for lease in leases {
            // The worker itself, or its time, may have been quicker.
            let _ = self.client.lease_client().revoke(lease).await;
        }
        kv.delete(below, Some(DeleteOptions::new().with_prefix())).await.map(drop)
    }
}

/// What was seen to go.
pub(super) struct Deletions(mpsc::UnboundedReceiver<Deletion>);

impl Deletions {
    /// Waits until that key has gone.
    pub(super) async fn of(&mut self, key: &str) -> Result<Deletion, String> {
        let gone = async {
            while let Some(deletion) = self.0.recv().await {
                if deletion.key == key {
                    return Ok(deletion);
                }
            }
            Err(format!("the watch that waits for the end of {key} broke"))
        };
        let limit = 4 * PATIENCE;
        timeout(limit, gone).await.unwrap_or_else(|_| Err(format!("{key} is still there after {limit:?}")))
    }
}

/// Below it nobody else has keys, and no two demos share it.
fn unique() -> String {
    format!("/gocore-etcd-demo-{:08x}", fastrand::u32(..))
}

/// The address behind a name that answers: `localhost` may be two.
async fn reachable(endpoint: &str) -> Result<SocketAddr, String> {
    let addresses = lookup_host(endpoint).await.map_err(|error| format!("{endpoint}: {error}"))?;
    for address in addresses {
        if let Ok(Ok(_)) = timeout(PATIENCE, TcpStream::connect(address)).await {
            return Ok(address);
        }
    }
    Err(format!("nothing answers at {endpoint}, the way of the worker that is cut off; name a living endpoint first"))
}

fn told(error: etcd_client::Error) -> String {
    format!("etcd: {error}")
}
