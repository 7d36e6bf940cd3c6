//! Each error that etcd or the wire can give, and what it means.

use proptest::prelude::*;
use tonic::{Code, ConnectError, Status};

use super::{Fate, Meaning, Remedy, WORDS, into_error, is_etcd, is_leader_trouble, is_stale_token, meaning};
use crate::error::ErrorKind as K;
use crate::transport::failure::NeverSent;
use crate::transport::picker::EndpointId;

fn status(code: Code, text: &str) -> etcd_client::Error {
    Status::new(code, text).into()
}

fn caused(source: impl std::error::Error + Send + Sync + 'static) -> etcd_client::Error {
    Status::from_error(Box::new(source)).into()
}

#[test]
fn the_servers_words_decide_and_not_its_codes() {
    use Fate::{Refused, Unknown};
    use Remedy::{Again, NewToken, None};
    let table = [
        (Code::Unauthenticated, "etcdserver: invalid auth token", K::Unauthenticated, Refused, NewToken),
        (Code::Unknown, "etcdserver: invalid auth token", K::Unauthenticated, Refused, NewToken),
        (Code::InvalidArgument, "etcdserver: revision of auth store is old", K::Unauthenticated, Refused, NewToken),
        (Code::InvalidArgument, "etcdserver: user name is empty", K::Unauthenticated, Refused, NewToken),
        (
            Code::InvalidArgument,
            "etcdserver: authentication failed, invalid user ID or password",
            K::Unauthenticated,
            Refused,
            None,
        ),
        (Code::FailedPrecondition, "etcdserver: authentication is not enabled", K::Unsupported, Refused, None),
        (Code::PermissionDenied, "etcdserver: permission denied", K::PermissionDenied, Refused, None),
        (Code::Unavailable, "etcdserver: request timed out", K::Unavailable, Unknown, Again),
        (
            Code::Unavailable,
            "etcdserver: request timed out, possibly due to previous leader failure",
            K::Unavailable,
            Unknown,
            Again,
        ),
        (Code::Unavailable, "etcdserver: leader changed", K::Unavailable, Unknown, Again),
        (Code::Unavailable, "etcdserver: server stopped", K::Unavailable, Unknown, Again),
        (Code::Unavailable, "etcdserver: no leader", K::Unavailable, Refused, Again),
        (Code::FailedPrecondition, "etcdserver: not leader", K::Unavailable, Refused, Again),
        (Code::Unavailable, "etcdserver: rpc not supported for learner", K::Unavailable, Refused, Again),
        (Code::ResourceExhausted, "etcdserver: too many requests", K::ResourceExhausted, Refused, Again),
        (Code::ResourceExhausted, "etcdserver: mvcc: database space exceeded", K::ResourceExhausted, Refused, None),
        (Code::InvalidArgument, "etcdserver: request is too large", K::ResourceExhausted, Refused, None),
        (
            Code::ResourceExhausted,
            "grpc: received message larger than max (3000000 vs. 2097152)",
            K::ResourceExhausted,
            Refused,
            None,
        ),
        (
            Code::OutOfRange,
            "Error, decoded message length too large: found 5 bytes, the limit is: 4 bytes",
            K::ResourceExhausted,
            Unknown,
            None,
        ),
        (Code::OutOfRange, "etcdserver: mvcc: required revision has been compacted", K::Compacted, Refused, None),
        (
            Code::OutOfRange,
            "etcdserver: mvcc: required revision is a future revision",
            K::InvalidArgument,
            Refused,
            None,
        ),
        (Code::NotFound, "etcdserver: requested lease not found", K::NotFound, Refused, None),
        (Code::FailedPrecondition, "etcdserver: lease already exists", K::AlreadyExists, Refused, None),
        (Code::OutOfRange, "etcdserver: too large lease TTL", K::InvalidArgument, Refused, None),
        (Code::InvalidArgument, "etcdserver: duplicate key given in txn request", K::InvalidArgument, Refused, None),
        (Code::Unimplemented, "unknown service etcdserverpb.KV", K::Unsupported, Refused, None),
        (
            Code::Unavailable,
            "grpc-status header missing, mapped from HTTP status code 503",
            K::Unavailable,
            Unknown,
            Again,
        ),
        (Code::DeadlineExceeded, "context deadline exceeded", K::Unavailable, Unknown, Again),
        // What etcd has no words of its own for comes as raft and the lessor say it.
        (Code::Unknown, "raft proposal dropped", K::Unavailable, Refused, Again),
        (Code::Unknown, "raft: stopped", K::Unavailable, Unknown, Again),
        (Code::Unknown, "not a primary lessor", K::Unavailable, Refused, Again),
        (Code::Cancelled, "context canceled", K::Unavailable, Unknown, Again),
        (Code::Unknown, "something nobody has heard of", K::Internal, Unknown, None),
    ];
    for (code, text, kind, fate, remedy) in table {
        assert_eq!(meaning(&status(code, text)), Meaning { kind, fate, remedy }, "{code:?} {text}");
    }
}

#[test]
fn what_was_never_sent_is_known_by_its_source() {
    let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    let connect = caused(ConnectError(Box::new(refused)));
    let nobody = caused(NeverSent { causes: vec![(EndpointId(0), "http://a:1: Connection refused".to_string())] });
    for error in [connect, nobody] {
        assert_eq!(meaning(&error).fate, Fate::NeverSent);
        assert_eq!(meaning(&error).remedy, Remedy::Again);
        assert!(into_error("kv.put", b"/k", error).to_string().contains("refused"));
    }
}

#[test]
fn a_lost_connection_leaves_the_fate_open_whatever_its_code() {
    let broken = caused(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    assert_eq!(meaning(&broken).fate, Fate::Unknown);
    // The words of a source are not the server's: a host may be called anything.
    let odd = caused(std::io::Error::other("etcdserver: permission denied"));
    assert_eq!(meaning(&odd).kind, K::Unavailable);
}

#[test]
fn a_stale_token_is_found_in_a_watchs_reason_too() {
    assert!(is_stale_token("rpc error: code = Unauthenticated desc = etcdserver: invalid auth token"));
    assert!(!is_stale_token("etcdserver: permission denied"));
    assert!(!is_stale_token(""));
}

#[test]
fn an_answer_proves_an_etcd_that_serves_only_when_it_is_one() {
    assert!(is_etcd("etcdserver: permission denied"));
    assert!(is_etcd("etcdserver: user name is empty"));
    assert!(is_etcd("etcdserver: words of a later version"));
    assert!(!is_etcd("etcdserver: no leader"));
    assert!(is_leader_trouble("etcdserver: no leader"));
    for proxy in ["grpc-status header missing, mapped from HTTP status code 404", "no healthy upstream", ""] {
        assert!(!is_etcd(proxy) && !is_leader_trouble(proxy), "{proxy}");
    }
}

#[test]
fn no_entry_is_hidden_by_an_earlier_one() {
    for (index, (words, _)) in WORDS.iter().enumerate() {
        let first = WORDS.iter().position(|(earlier, _)| words.contains(earlier));
        assert_eq!(first, Some(index), "{words}");
    }
}

#[test]
fn errors_name_the_operation_and_the_key_and_repeat_the_servers_words_once() {
    let error = into_error("kv.put", b"/go-core/a", status(Code::PermissionDenied, "etcdserver: permission denied"));
    assert_eq!(error.to_string(), "kv.put: permission denied key=/go-core/a: etcdserver: permission denied");
    assert!(!error.is_retryable());
}

proptest! {
    #[test]
    fn no_code_and_no_text_makes_a_write_safe_that_the_server_did_not_refuse_by_name(
        code in 0i32..17,
        text in "[ -~]{0,60}",
        known in prop::option::of(0..WORDS.len()),
    ) {
        let text = known.map_or(text.clone(), |index| format!("{text}{}", WORDS[index].0));
        let code = Code::from(code);
        let told = meaning(&status(code, &text));
        if told.remedy != Remedy::None && told.fate != Fate::Unknown {
            prop_assert!(WORDS.iter().any(|(words, meaning)| text.contains(words) && *meaning == told));
        }
    }
}
