//! Asks one endpoint whether it lives and has a quorum behind it.
//!
//! A linearizable read of a key that nobody writes: it needs the leader, and no rights beyond the client's own prefix
//! (a refusal is an answer too). While it is silent, a serializable read asks the member alone, and so tells a member
//! without quorum from one that is frozen or out of reach. A healthy member costs one request.

use std::error::Error as StdError;
use std::pin::pin;
use std::time::Duration;

use http::HeaderValue;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

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
    pub(super) cause: Option<String>,
}

#[derive(Clone)]
struct Question<'a> {
    channel: Channel,
    key: &'a [u8],
    token: Option<MetadataValue<Ascii>>,
}

pub(super) async fn probe(channel: Channel, key: &[u8], token: Option<HeaderValue>, patience: Duration) -> Finding {
    let token = token.and_then(|token| MetadataValue::try_from(token.as_bytes()).ok());
    let question = Question { channel, key, token };
    let deadline = Deadline::after(patience);
    let mut with_quorum = pin!(deadline.limit(question.clone().ask(false)));
    let mut alone = pin!(deadline.limit(async {
        tokio::time::sleep(patience / 2).await;
        question.ask(true).await
    }));
    let mut is_there = false;
    let finding = loop {
        tokio::select! {
            biased;
            answer = &mut with_quorum => break answer.ok(),
            answer = &mut alone, if !is_there => is_there = answer.is_ok_and(|finding| finding.verdict == Verdict::Alive),
        }
    };
    finding.unwrap_or_else(|| match is_there {
        true => {
            Finding::new(Verdict::NoQuorum, format!("no quorum: no answer to a linearizable read within {patience:?}"))
        }
        false => Finding::new(Verdict::Silent, format!("no answer within {patience:?}")),
    })
}

impl Finding {
    const ALIVE: Self = Self { verdict: Verdict::Alive, cause: None };

    fn new(verdict: Verdict, cause: String) -> Self {
        Self { verdict, cause: Some(cause) }
    }
}

impl Question<'_> {
    async fn ask(self, serializable: bool) -> Finding {
        let mut tries = 0;
        loop {
            let Err(status) = self.read(serializable).await else { return Finding::ALIVE };
            tries += 1;
            let words = status.message();
            match status.source() {
                None if retry::is_etcd(words) => return Finding::ALIVE,
                None if retry::is_leader_trouble(words) => return Finding::new(Verdict::NoQuorum, words.to_string()),
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

    async fn read(&self, serializable: bool) -> Result<(), Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))?;
        let message = RangeRequest { key: self.key.to_vec(), serializable, keys_only: true };
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("token", token.clone());
        }
        let codec = ProstCodec::<RangeRequest, Anything>::default();
        grpc.unary(request, PathAndQuery::from_static(RANGE), codec).await.map(drop)
    }
}
