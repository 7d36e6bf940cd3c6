//! What a server counted: its own /metrics, read and compared.

use std::collections::BTreeMap;
use std::ops::Sub;

/// One reading of a server's /metrics, or the difference of two.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metrics {
    /// Name with labels, as the server writes it → value.
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads the Prometheus text format.
    pub fn parse(text: &str) -> Metrics {
        let sample = |line: &str| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        };
        Metrics { samples: text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect() }
    }

    /// The value of one sample, with its labels as the server writes them; 0 when there is none.
    pub fn get(&self, sample: &str) -> f64 {
        self.samples.get(sample).copied().unwrap_or(0.0)
    }

    /// The sum over all labels of a metric.
    pub fn sum(&self, name: &str) -> f64 {
        self.labelled(name).map(|(_, value)| value).sum()
    }

    /// Calls (streams count once, when they open) the server has begun, by method: `Put`, `Range`, `Txn`,
    /// `LeaseGrant`, `LeaseKeepAlive`, `Watch`… Methods without a call are absent, so that a difference shows at
    /// once what was asked of the server.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        let mut requests = BTreeMap::new();
        for (labels, count) in self.labelled("grpc_server_started_total") {
            if let (Some(method), true) = (label(labels, "grpc_method"), count != 0.0) {
                *requests.entry(method.to_owned()).or_default() += count as u64;
            }
        }
        requests
    }

    /// Calls of one method the server has begun.
    pub fn requests_of(&self, method: &str) -> u64 {
        self.requests().get(method).copied().unwrap_or(0)
    }

    /// Messages the server received on the streams of one method: renewals, in the case of `LeaseKeepAlive`.
    pub fn messages_of(&self, method: &str) -> u64 {
        self.of_method("grpc_server_msg_received_total", method)
    }

    /// Messages the server sent on the streams of one method: events, in the case of `Watch`.
    pub fn sent_on(&self, method: &str) -> u64 {
        self.of_method("grpc_server_msg_sent_total", method)
    }

    fn of_method(&self, name: &str, method: &str) -> u64 {
        self.labelled(name)
            .filter(|(labels, _)| label(labels, "grpc_method") == Some(method))
            .map(|(_, count)| count as u64)
            .sum()
    }

    /// Proposals committed by raft: every write, refused transactions with a put in them included.
    pub fn proposals(&self) -> u64 {
        self.get("etcd_server_proposals_committed_total") as u64
    }

    /// Whether this member is the leader.
    pub fn is_leader(&self) -> bool {
        self.get("etcd_server_is_leader") == 1.0
    }

    /// Whether this member knows a leader.
    pub fn has_leader(&self) -> bool {
        self.get("etcd_server_has_leader") == 1.0
    }

    /// Watches that are open on the server.
    pub fn watchers(&self) -> u64 {
        self.get("etcd_debugging_mvcc_watcher_total") as u64
    }

    fn labelled<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.samples.iter().filter_map(move |(sample, value)| {
            let labels = sample.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        })
    }
}

/// What happened between two readings.
impl Sub for &Metrics {
    type Output = Metrics;

    fn sub(self, earlier: &Metrics) -> Metrics {
        let delta = |(name, value): (&String, &f64)| (name.clone(), value - earlier.get(name));
        Metrics { samples: self.samples.iter().map(delta).collect() }
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.trim_matches(['{', '}']).split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then_some(value.trim_matches('"'))
    })
}
