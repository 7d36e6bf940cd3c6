//! What an error means: its kind, whether a write may have been applied, whether trying again helps.
//!
//! First by what is known about sending, then by the server's words, by the gRPC code only when nothing else is left.
//! Codes alone mislead: `Unavailable` comes before and after sending, `OutOfRange` means compacted and too large alike,
//! a wrong password is `InvalidArgument`. (jetcd resent writes on `Unavailable` and lost updates for 2.5 years.)

use std::error::Error as StdError;

use tonic::Code;

use super::failure::{self, NeverSent};
use crate::error::{Error, ErrorKind};

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Not a byte of it left.
    NeverSent,
    /// The server refused it before doing anything.
    Refused,
    /// It may have been, or may still be, carried out.
    Unknown,
}

/// What can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Nothing: this is the answer.
    None,
    /// The same again, a little later or elsewhere.
    Again,
    /// A new token, then the same again.
    NewToken,
}

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) kind: ErrorKind,
    pub(super) fate: Fate,
    pub(super) remedy: Remedy,
}

impl Meaning {
    const fn new(kind: ErrorKind, fate: Fate, remedy: Remedy) -> Self {
        Self { kind, fate, remedy }
    }

    /// The server's definite no.
    const fn refused(kind: ErrorKind) -> Self {
        Self::new(kind, Fate::Refused, Remedy::None)
    }
}

const UNKNOWN: Meaning = Meaning::new(ErrorKind::Unavailable, Fate::Unknown, Remedy::Again);
const NOT_NOW: Meaning = Meaning::new(ErrorKind::Unavailable, Fate::Refused, Remedy::Again);
const STALE_TOKEN: Meaning = Meaning::new(ErrorKind::Unauthenticated, Fate::Refused, Remedy::NewToken);

/// etcd's words (api/v3rpc/rpctypes/error.go of 3.4 to 3.7) and what they mean; the first match counts.
///
/// An entry matches anywhere in the text, because in-band reasons, gateways and the server's own client wrap it.
const WORDS: &[(&str, Meaning)] = &[
    ("invalid auth token", STALE_TOKEN),
    ("revision of auth store is old", STALE_TOKEN),
    ("user name is empty", STALE_TOKEN),
    // The request was proposed, and nobody knows what became of it; for a read it does not matter.
    ("etcdserver: request timed out", UNKNOWN),
    ("etcdserver: leader changed", UNKNOWN),
    ("etcdserver: server stopped", UNKNOWN),
    // Raft's and the lessor's own words: etcd has no code for them. Stopped while the proposal was on its way to raft.
    ("raft: stopped", UNKNOWN),
    // The leader hands the lead over, or was removed: raft refuses before it appends anything.
    ("raft proposal dropped", NOT_NOW),
    // A leader that is none any more, as it finds out when it renews a lease.
    ("not a primary lessor", NOT_NOW),
    // No gRPC server answered, but a proxy between us.
    ("grpc-status header missing", UNKNOWN),
    // Refused before it was proposed.
    ("etcdserver: no leader", NOT_NOW),
    ("etcdserver: not leader", NOT_NOW),
    ("etcdserver: not capable", NOT_NOW),
    ("etcdserver: rpc not supported for learner", NOT_NOW),
    ("etcdserver: unhealthy cluster", NOT_NOW),
    ("etcdserver: too many requests", Meaning::new(ErrorKind::ResourceExhausted, Fate::Refused, Remedy::Again)),
    ("invalid user ID or password", Meaning::refused(ErrorKind::Unauthenticated)),
    ("auth: authentication failed", Meaning::refused(ErrorKind::Unauthenticated)),
    ("authentication is not enabled", Meaning::refused(ErrorKind::Unsupported)),
    ("permission denied", Meaning::refused(ErrorKind::PermissionDenied)),
    ("invalid auth management", Meaning::refused(ErrorKind::PermissionDenied)),
    ("required revision has been compacted", Meaning::refused(ErrorKind::Compacted)),
    ("required revision is a future revision", Meaning::refused(ErrorKind::InvalidArgument)),
    ("database space exceeded", Meaning::refused(ErrorKind::ResourceExhausted)),
    ("etcdserver: request is too large", Meaning::refused(ErrorKind::ResourceExhausted)),
    ("received message larger than max", Meaning::refused(ErrorKind::ResourceExhausted)),
    ("trying to send message larger than max", Meaning::new(ErrorKind::ResourceExhausted, Fate::Unknown, Remedy::None)),
    ("decoded message length too large", Meaning::new(ErrorKind::ResourceExhausted, Fate::Unknown, Remedy::None)),
    ("requested lease not found", Meaning::refused(ErrorKind::NotFound)),
    ("lease already exists", Meaning::refused(ErrorKind::AlreadyExists)),
    ("too large lease TTL", Meaning::refused(ErrorKind::InvalidArgument)),
    ("too many operations in txn", Meaning::refused(ErrorKind::InvalidArgument)),
    ("duplicate key given in txn", Meaning::refused(ErrorKind::InvalidArgument)),
    ("key is not provided", Meaning::refused(ErrorKind::InvalidArgument)),
    ("name not found", Meaning::refused(ErrorKind::NotFound)),
    ("name already exists", Meaning::refused(ErrorKind::AlreadyExists)),
    ("key not found", Meaning::refused(ErrorKind::NotFound)),
    ("member not found", Meaning::refused(ErrorKind::NotFound)),
    ("corrupt cluster", Meaning::refused(ErrorKind::Unavailable)),
    ("unknown service", Meaning::refused(ErrorKind::Unsupported)),
    ("unknown method", Meaning::refused(ErrorKind::Unsupported)),
];

fn by_words(text: &str) -> Option<Meaning> {
    WORDS.iter().find(|(words, _)| text.contains(words)).map(|&(_, meaning)| meaning)
}

/// Whether the words say that the token must be renewed, wherever they stand (a watch has them in its cancel reason).
pub(super) fn is_stale_token(text: &str) -> bool {
    by_words(text) == Some(STALE_TOKEN)
}

/// Whether the server has authentication switched off.
pub(super) fn is_not_enabled(text: &str) -> bool {
    text.contains("authentication is not enabled")
}

/// Whether a member says that it cannot serve because of its cluster, so that another one may.
pub(super) fn is_leader_trouble(text: &str) -> bool {
    text.contains("etcdserver: ") && by_words(text).is_some_and(|meaning| meaning == UNKNOWN || meaning == NOT_NOW)
}

/// Whether these can only be the words of an etcd that serves.
pub(super) fn is_etcd(text: &str) -> bool {
    text.contains("etcdserver: ") && !is_leader_trouble(text)
}

/// What an answer of the server means.
fn by_status(code: Code, text: &str) -> Meaning {
    if let Some(meaning) = by_words(text) {
        return meaning;
    }
    match code {
        Code::InvalidArgument | Code::OutOfRange => Meaning::refused(ErrorKind::InvalidArgument),
        Code::NotFound => Meaning::refused(ErrorKind::NotFound),
        Code::AlreadyExists => Meaning::refused(ErrorKind::AlreadyExists),
        Code::PermissionDenied => Meaning::refused(ErrorKind::PermissionDenied),
        Code::Unauthenticated => Meaning::refused(ErrorKind::Unauthenticated),
        Code::Unimplemented | Code::FailedPrecondition => Meaning::refused(ErrorKind::Unsupported),
        Code::ResourceExhausted => Meaning::new(ErrorKind::ResourceExhausted, Fate::Unknown, Remedy::None),
        Code::Unavailable | Code::Cancelled | Code::DeadlineExceeded | Code::Aborted => UNKNOWN,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => {
            Meaning::new(ErrorKind::Internal, Fate::Unknown, Remedy::None)
        }
    }
}

/// What an error of etcd-client means.
pub(super) fn meaning(error: &etcd_client::Error) -> Meaning {
    use etcd_client::Error as E;
    match error {
        E::GRpcStatus(status) => match status.source() {
            // The server's answer has no source; whatever has one happened on our side of the wire.
            None => by_status(status.code(), status.message()),
            Some(source) => by_source(source),
        },
        E::TransportError(error) => by_source(error),
        E::IoError(_) => UNKNOWN,
        E::LeaseKeepAliveError(text) if text.contains("lease not found") => Meaning::refused(ErrorKind::NotFound),
        E::WatchError(_) | E::LeaseKeepAliveError(_) | E::ElectError(_) => UNKNOWN,
        E::InvalidArgs(_) | E::InvalidUri(_) | E::InvalidMetadataValue(_) | E::Utf8Error(_) => {
            Meaning::refused(ErrorKind::InvalidArgument)
        }
        _ => Meaning::new(ErrorKind::Internal, Fate::Unknown, Remedy::None),
    }
}

fn by_source(source: &(dyn StdError + 'static)) -> Meaning {
    let never_sent = failure::chain(source).any(|error| error.is::<NeverSent>()) || failure::is_connect(source);
    if never_sent { Meaning { fate: Fate::NeverSent, ..UNKNOWN } } else { UNKNOWN }
}

/// The error as our users see it.
pub(super) fn into_error(op: &'static str, key: &[u8], error: etcd_client::Error) -> Error {
    let meaning = meaning(&error);
    let told = Error::new(meaning.kind, op).with_retryable(meaning.remedy == Remedy::Again).with_source(words(error));
    if key.is_empty() { told } else { told.with_key(key) }
}

/// The words of an error that help, without "grpc request error: status: 'Unavailable', self: …" around them.
pub(super) fn words(error: etcd_client::Error) -> Box<dyn StdError + Send + Sync> {
    match &error {
        etcd_client::Error::GRpcStatus(status) => match status.source() {
            None => status.message().into(),
            Some(source) => failure::root_cause(source).into(),
        },
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;
