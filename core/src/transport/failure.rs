//! What lies behind a transport error: whether anything was sent, and the words that help.

use std::error::Error as StdError;

use tonic::ConnectError;

use super::picker::EndpointId;

/// No endpoint took the request: not a byte of it was sent. Says of each what was wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("no endpoint could be reached: {}", .causes.iter().map(|(_, cause)| cause.as_str()).collect::<Vec<_>>().join("; "))]
pub(super) struct NeverSent {
    pub(super) causes: Vec<(EndpointId, String)>,
}

/// The errors behind `error`, itself first.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}

/// Whether no connection could be made.
pub(super) fn is_connect(error: &(dyn StdError + 'static)) -> bool {
    chain(error).any(|error| error.is::<ConnectError>())
}

/// The innermost words: the outer ones are "transport error" and the like.
pub(super) fn root_cause(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// Whether the words are those of a TLS handshake that failed, and not of a network that did.
///
/// rustls is not a dependency of ours and hides in an `io::Error`, so its words are all there is.
pub(super) fn is_handshake(cause: &str) -> bool {
    is_refused_handshake(cause) || cause.contains("handshake")
}

/// Whether one side refused the other by TLS, so that only another configuration will help. A handshake that was cut
/// short is none: that is how a load balancer without a backend looks.
pub(super) fn is_refused_handshake(cause: &str) -> bool {
    const WORDS: [&str; 5] =
        ["certificate", "fatal alert", "corrupt message", "peer is incompatible", "HTTP/2 was not negotiated"];
    WORDS.iter().any(|word| cause.contains(word))
}

/// Whether the peer took the connection and then closed it without a word.
pub(super) fn is_closed(cause: &str) -> bool {
    cause.contains("connection closed") || cause.contains("broken pipe") || cause.contains("connection reset")
}

#[cfg(test)]
mod tests;
