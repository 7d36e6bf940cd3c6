//! The three kinds of traffic, each on connections of its own, so that unread or heavy streams never delay a keep-alive.

/// What kind of traffic a request is, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Requests with one answer, and whatever else there is.
    Unary,
    Watch,
    KeepAlive,
}

pub(super) const KEEP_ALIVE: &str = "/etcdserverpb.Lease/LeaseKeepAlive";
const WATCH: &str = "/etcdserverpb.Watch/Watch";
const AUTHENTICATE: &str = "/etcdserverpb.Auth/Authenticate";

impl Class {
    pub(super) fn of(path: &str) -> Self {
        match path {
            WATCH => Self::Watch,
            KEEP_ALIVE => Self::KeepAlive,
            _ => Self::Unary,
        }
    }

    pub(super) fn is_stream(self) -> bool {
        self != Self::Unary
    }
}

/// Authenticating with a stale token would be refused for the token.
pub(super) fn wants_token(path: &str) -> bool {
    path != AUTHENTICATE
}
