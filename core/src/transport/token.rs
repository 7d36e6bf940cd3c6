//! The token of a user: one for the whole client, renewed by one at a time.
//!
//! We own it rather than etcd-client, so that streams, `raw()` and old clones all use the newest. An Authenticate costs
//! the server 60–80 ms of bcrypt, so it is renewed only when the server refuses the old one, and everybody who was
//! refused waits for the same renewal. It runs in a task of its own: callers with less patience than bcrypt takes would
//! otherwise begin it again and again, each time for nothing.

use std::future::Future;
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use http::HeaderValue;
use std::sync::Arc;
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::client_config::Credentials;
use crate::error::{Error, ErrorKind, Result};
use crate::tasks::Tasks;
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

/// For this long after a refusal nobody else asks, twice as long after each further one: a changed password must not turn
/// every caller into 80 ms of bcrypt, nor a fleet that watches into a load without end.
const REFUSAL_HOLDS: Duration = Duration::from_secs(1);
const REFUSAL_HOLDS_AT_MOST: Duration = Duration::from_secs(30);

pub(super) struct Tokens {
    current: ArcSwap<Token>,
    credentials: Option<Credentials>,
    /// The last refusal; locked while a renewal is under way.
    refusal: Arc<Mutex<Option<Refusal>>>,
}

struct Refusal {
    error: Error,
    holds: Duration,
    until: BootTime,
}

impl Refusal {
    fn after(last: Option<&Refusal>, error: Error, now: BootTime) -> Self {
        let holds = last.map_or(REFUSAL_HOLDS, |last| (last.holds * 2).min(REFUSAL_HOLDS_AT_MOST));
        Self { error, holds, until: now.plus(holds) }
    }
}

impl Tokens {
    pub(super) fn new(credentials: Option<Credentials>) -> Arc<Self> {
        Arc::new(Self {
            current: ArcSwap::from_pointee(Token { version: TokenVersion(0), header: None }),
            credentials,
            refusal: Arc::default(),
        })
    }

    pub(super) fn current(&self) -> Guard<Arc<Token>> {
        self.current.load()
    }

    pub(super) fn has_user(&self) -> bool {
        self.credentials.is_some()
    }

    /// Gets a new token by `authenticate`, in one of `tasks`, when `seen` is still the current one; does nothing without
    /// a user. The deadline is that of the waiting.
    pub(super) async fn renew<F>(
        self: &Arc<Self>,
        op: &'static str,
        seen: TokenVersion,
        deadline: Deadline,
        tasks: &Tasks,
        authenticate: impl Fn(Credentials) -> F,
    ) -> Result<()>
    where
        F: Future<Output = Result<Granted>> + Send + 'static,
    {
        let Some(credentials) = &self.credentials else { return Ok(()) };
        let renewing = async {
            loop {
                let refusal = Arc::clone(&self.refusal).lock_owned().await;
                if self.current().version != seen {
                    return Ok(());
                }
                if let Some(Refusal { error, until, .. }) = &*refusal
                    && BootTime::now() < *until
                {
                    return Err(error.clone().with_op(op));
                }
                let (tell, told) = oneshot::channel();
                let (tokens, granting) = (Arc::clone(self), authenticate(credentials.clone()));
                // Nobody need be there any more to hear it.
                let renewal = async move { tell.send(tokens.settle(op, granting.await, refusal)).unwrap_or_default() };
                // What gives things back while the client closes needs a token too; for nobody else it should stay.
                let closing = tasks.is_closing();
                if closing {
                    tasks.spawn_cleanup(renewal)
                } else {
                    tasks.spawn(renewal)
                }
                match told.await {
                    Ok(renewed) => return renewed,
                    // Closing has ended it.
                    Err(_) if !closing && tasks.is_closing() => {}
                    Err(_) => {
                        let ended = Error::new(ErrorKind::Unavailable, op);
                        return Err(ended.with_detail("the renewal of the token was given up"));
                    }
                }
            }
        };
        let late = |_| Error::new(ErrorKind::DeadlineExceeded, op).with_detail("waiting for a new token");
        deadline.limit(renewing).await.map_err(late)?
    }

    fn settle(
        &self,
        op: &'static str,
        granted: Result<Granted>,
        mut refusal: OwnedMutexGuard<Option<Refusal>>,
    ) -> Result<()> {
        let renewed = granted.and_then(|granted| {
            let version = TokenVersion(self.current().version.0 + 1);
            self.current.store(Arc::new(Token { version, header: header(op, granted)? }));
            Ok(())
        });
        match &renewed {
            Ok(()) => *refusal = None,
            Err(error) if error.kind() == ErrorKind::Unauthenticated => {
                *refusal = Some(Refusal::after(refusal.as_ref(), error.clone(), BootTime::now()));
            }
            Err(_) => {}
        }
        renewed
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
