//! Asks one endpoint whether it lives and has a quorum behind it.
//!
//! A linearizable read of a key that nobody writes: it needs the leader, and no rights beyond the client's own prefix
//! (a refusal is an answer too). It goes over the connection that requests use, and costs a healthy member one request.
//! When it stays silent, a second connection tells what that means: the connection is stuck (clogged by a large answer,
//! or forgotten by a firewall), the member has no quorum, or there is nobody.

use std::error::Error as StdError;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::dialer::Target;
use super::failure;
use super::health::Verdict;
use super::retry;
use super::wire::{Anything, RangeRequest};
use crate::time::Deadline;

const RANGE: &str = "/etcdserverpb.KV/Range";

/// A connection that broke in the meantime shows only when it is used, and the next attempt makes a new one. A third,
/// because a TLS alert that comes in the same moment as the request gets lost behind "connection closed".
const TRIES: u32 = 3;

pub(super) struct Finding {
    pub(super) verdict: Verdict,
    /// In words, unless it is alive.
    pub(super) cause: String,
    /// A connection that works, when the other one is stuck.
    pub(super) detour: Option<Channel>,
}

impl Finding {
    fn new(verdict: Verdict, cause: impl Into<String>) -> Self {
        Self { verdict, cause: cause.into(), detour: None }
    }

    fn alive() -> Self {
        Self::new(Verdict::Alive, "")
    }
}

/// What is asked, and with whose rights.
pub(super) struct Question<'a> {
    key: &'a [u8],
    token: Option<MetadataValue<Ascii>>,
}

impl<'a> Question<'a> {
    pub(super) fn new(key: &'a [u8], token: Option<HeaderValue>) -> Self {
        Self { key, token: token.and_then(|token| MetadataValue::try_from(token.as_bytes()).ok()) }
    }

    /// Asks over `channel`, and if that is silent over a new connection to `target`.
    pub(super) async fn put(&self, channel: Channel, target: &Target, patience: Duration) -> Finding {
        let is_there = AtomicBool::new(false);
        let mut straight = pin!(self.ask(&channel, false));
        let mut around = pin!(async {
            tokio::time::sleep(patience / 2).await;
            self.go_around(target.connect(), &is_there).await
        });
        let either = async {
            tokio::select! {
                biased;
                finding = &mut straight => finding,
                finding = &mut around => finding,
            }
        };
        Deadline::after(patience).limit(either).await.unwrap_or_else(|_| match is_there.load(Ordering::Relaxed) {
            true => Finding::new(Verdict::NoQuorum, format!("no quorum: no linearizable read within {patience:?}")),
            false => Finding::new(Verdict::Silent, format!("no answer within {patience:?}")),
        })
    }

    async fn go_around(&self, channel: Channel, is_there: &AtomicBool) -> Finding {
        let mut with_quorum = pin!(self.ask(&channel, false));
        let alone = async {
            let finding = self.ask(&channel, true).await;
            is_there.store(finding.verdict == Verdict::Alive, Ordering::Relaxed);
        };
        let finding = tokio::select! {
            finding = &mut with_quorum => finding,
            () = alone => with_quorum.await,
        };
        Finding { detour: (finding.verdict == Verdict::Alive).then(|| channel.clone()), ..finding }
    }

    async fn ask(&self, channel: &Channel, serializable: bool) -> Finding {
        let mut tries = 0;
        loop {
            let Err(status) = self.read(channel.clone(), serializable).await else { return Finding::alive() };
            tries += 1;
            let words = status.message();
            match status.source() {
                None if retry::is_etcd(words) => return Finding::alive(),
                None if retry::is_leader_trouble(words) => return Finding::new(Verdict::NoQuorum, words),
                None => return Finding::new(Verdict::Unreachable, format!("no etcd answers there: {words}")),
                Some(source) => {
                    let cause = failure::root_cause(source);
                    if tries == TRIES || failure::is_connect(source) || failure::is_handshake(&cause) {
                        return Finding::new(Verdict::Unreachable, cause);
                    }
                }
            }
        }
    }

    async fn read(&self, channel: Channel, serializable: bool) -> Result<(), Status> {
        let mut grpc = Grpc::new(channel);
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        let mut request = Request::new(RangeRequest { key: self.key.to_vec(), serializable, keys_only: true });
        if let Some(token) = &self.token {
            request.metadata_mut().insert("token", token.clone());
        }
        let codec = ProstCodec::<RangeRequest, Anything>::default();
        grpc.unary(request, PathAndQuery::from_static(RANGE), codec).await.map(drop)
    }
}
