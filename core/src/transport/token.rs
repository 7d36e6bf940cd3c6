//! The token of a user: one for the whole client, renewed by one at a time.
//!
//! We own it rather than etcd-client, so that streams, `raw()` and old clones all use the newest. An Authenticate costs
//! the server 60–80 ms of bcrypt, so it is renewed only when the server refuses the old one, and everybody who was
//! refused waits for the same renewal.

use std::future::Future;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use http::HeaderValue;
use std::sync::Arc;
use tokio::sync::Mutex;

use crate::client_config::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{BootTime, Deadline};

/// Says which token a request carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenVersion(u64);

pub(super) struct Token {
    pub(super) version: TokenVersion,
    /// None without a user, before the first authentication, and on a server without authentication.
    pub(super) header: Option<HeaderValue>,
}

/// What an authentication came to.
pub(super) enum Granted {
    Token(String),
    /// The server has authentication switched off.
    NotEnabled,
}

/// For this long after a refusal nobody else asks: a changed password must not turn every caller into 80 ms of bcrypt.
const REFUSAL_HOLDS: Duration = Duration::from_secs(1);

pub(super) struct Tokens {
    current: ArcSwap<Token>,
    credentials: Option<Credentials>,
    renewal: Mutex<Option<(BootTime, Error)>>,
}

impl Tokens {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self {
            current: ArcSwap::from_pointee(Token { version: TokenVersion(0), header: None }),
            credentials,
            renewal: Mutex::new(None),
        }
    }

    pub(super) fn current(&self) -> Guard<Arc<Token>> {
        self.current.load()
    }

    pub(super) fn has_user(&self) -> bool {
        self.credentials.is_some()
    }

    /// Gets a new token by `authenticate` when `seen` is still the current one; does nothing without a user.
    pub(super) async fn renew<F>(
        &self,
        op: &'static str,
        seen: TokenVersion,
        deadline: Deadline,
        authenticate: impl FnOnce(Credentials) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<Granted>>,
    {
        let Some(credentials) = &self.credentials else { return Ok(()) };
        let waited = deadline.limit(self.renewal.lock()).await;
        let Ok(mut refusal) = waited else {
            return Err(Error::new(ErrorKind::DeadlineExceeded, op).with_detail("waiting for a new token"));
        };
        if self.current().version != seen {
            return Ok(());
        }
        if let Some((at, error)) = &*refusal
            && BootTime::now() < at.plus(REFUSAL_HOLDS)
        {
            return Err(error.clone().with_op(op));
        }
        match authenticate(credentials.clone()).await {
            Ok(granted) => {
                *refusal = None;
                self.current.store(Arc::new(Token { version: TokenVersion(seen.0 + 1), header: header(op, granted)? }));
                Ok(())
            }
            Err(error) => {
                if error.kind() == ErrorKind::Unauthenticated {
                    *refusal = Some((BootTime::now(), error.clone()));
                }
                Err(error)
            }
        }
    }
}

fn header(op: &'static str, granted: Granted) -> Result<Option<HeaderValue>> {
    let Granted::Token(token) = granted else {
        tracing::warn!("the server has no authentication: going on without the user that was given");
        return Ok(None);
    };
    let mut header = HeaderValue::try_from(token)
        .map_err(|_| Error::new(ErrorKind::Internal, op).with_detail("the server's token is no header value"))?;
    // Neither printed by Debug nor kept in the compression tables of the connection.
    header.set_sensitive(true);
    tracing::debug!("token renewed");
    Ok(Some(header))
}

#[cfg(test)]
mod tests;
