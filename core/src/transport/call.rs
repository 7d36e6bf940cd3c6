//! One request, with everything that may have to be done until its answer is there.
//!
//! The deadline covers it all. What was never sent goes elsewhere. A read that stays silent for a second is sent to
//! another endpoint too, and the first answer counts. A write that was sent waits for its own answer: nobody but the
//! server knows what became of it. A stale token is renewed once for all who met it.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::Transport;
use super::flights::Flights;
use super::plan::{CallKind, Next, Plan};
use super::retry;
use super::service::SILENCE;
use super::token::TokenVersion;
use crate::error::{Error, ErrorKind, Result};
use crate::time::{Deadline, jittered};

/// What a request is, for retries and errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) op: &'static str,
    /// For the error; may be empty.
    pub(crate) key: &'a [u8],
    pub(crate) deadline: Deadline,
    pub(crate) kind: CallKind,
}

/// A member that lags behind refuses even a new token for a moment; more than that is no matter of tokens.
const MOST_RENEWALS: u32 = 5;
const RENEWAL_PAUSE: Duration = Duration::from_millis(50);

enum Ended<T> {
    With(Result<T>),
    /// The server wants another token than this one.
    Stale(TokenVersion, etcd_client::Error),
}

impl Transport {
    /// Makes one request by `attempt`, which is called once for each time it is sent.
    ///
    /// # Errors
    /// What the server answered, by its words. `DeadlineExceeded` when an answer was missing at the deadline,
    /// `Unavailable` when there was nobody to ask or the connection was lost; `maybe_applied` says what may have become
    /// of a write.
    ///
    /// # Cancel safety
    /// Dropping it gives the answer up; a write that was sent may still be applied.
    pub(crate) async fn call<T, F, Fut>(&self, call: Call<'_>, attempt: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let mut plan = Plan::new(call.kind);
        let mut renewals = 0;
        loop {
            let (seen, error) = match self.fly(&call, &attempt, &mut plan).await {
                Ended::With(result) => return result,
                Ended::Stale(seen, error) => (seen, error),
            };
            if !self.has_user() || renewals == MOST_RENEWALS {
                return Err(told(&call, error, plan.maybe_applied(0)));
            }
            if renewals > 0 {
                let pause = sleep(jittered(RENEWAL_PAUSE * (1 << renewals)));
                call.deadline.limit(pause).await.map_err(|_| told(&call, error, plan.maybe_applied(0)))?;
            }
            renewals += 1;
            let renewed = self.renew_token(call.op, seen, call.deadline).await;
            renewed.map_err(|error| error.or_key(call.key).with_maybe_applied(plan.maybe_applied(0)))?;
        }
    }

    /// The same without renewing tokens, which is itself made of this.
    pub(super) async fn call_once<T, F, Fut>(&self, call: Call<'_>, attempt: F) -> Result<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let mut plan = Plan::new(call.kind);
        match self.fly(&call, &attempt, &mut plan).await {
            Ended::With(result) => result,
            Ended::Stale(_, error) => Err(told(&call, error, plan.maybe_applied(0))),
        }
    }

    async fn fly<T, F, Fut>(&self, call: &Call<'_>, attempt: &F, plan: &mut Plan) -> Ended<T>
    where
        F: Fn() -> Fut,
        Fut: Future<Output = Result<T, etcd_client::Error>>,
    {
        let mut flights = Flights::new();
        let mut last = None;
        let mut next = Next::Launch;
        let mut timer = pin!(sleep(SILENCE));
        loop {
            if next == Next::Launch {
                flights.launch(attempt(), call.kind);
                plan.launched();
            }
            let wait = if let Next::Pause(pause) = next { jittered(pause) } else { SILENCE };
            timer.set(sleep(call.deadline.remaining().map_or(wait, |left| left.min(wait))));
            tokio::select! {
                biased;
                (flight, result) = flights.landing() => {
                    let error = match result {
                        Ok(value) => return Ended::With(Ok(value)),
                        Err(error) => error,
                    };
                    next = plan.failed(retry::meaning(&error));
                    if matches!(next, Next::Stop | Next::NewToken) {
                        plan.gave_up(flights.still_out());
                    }
                    match next {
                        Next::Stop => return Ended::With(Err(told(call, error, plan.maybe_applied(0)))),
                        Next::NewToken => {
                            let seen = flight.place().map_or(self.token_version(), |place| place.token);
                            return Ended::Stale(seen, error);
                        }
                        Next::Launch | Next::Wait | Next::Pause(_) => {
                            tracing::debug!(op = call.op, %error, "retrying");
                            last = Some(error);
                        }
                    }
                }
                () = timer.as_mut() => {
                    if call.deadline.has_passed() {
                        return Ended::With(Err(expired(call, plan, &flights, last)));
                    }
                    if let Next::Pause(_) = next {
                        next = Next::Launch;
                        continue;
                    }
                    if flights.any_was_heard() {
                        next = Next::Wait;
                        continue;
                    }
                    next = plan.silent(flights.suspect(call.kind));
                }
            }
        }
    }
}

fn told(call: &Call<'_>, error: etcd_client::Error, maybe_applied: bool) -> Error {
    retry::into_error(call.op, call.key, error).with_maybe_applied(maybe_applied)
}

/// The deadline has passed: with flights in the air, or in a pause after the last of them failed.
fn expired<F>(call: &Call<'_>, plan: &Plan, flights: &Flights<F>, last: Option<etcd_client::Error>) -> Error {
    let maybe_applied = plan.maybe_applied(flights.still_out());
    match last {
        Some(error) if flights.is_empty() => told(call, error, maybe_applied),
        last => {
            let error = Error::new(ErrorKind::DeadlineExceeded, call.op).with_maybe_applied(maybe_applied);
            let error = if call.key.is_empty() { error } else { error.with_key(call.key) };
            match last {
                Some(cause) => error.with_source(retry::words(cause)),
                None => error.with_detail("no answer"),
            }
        }
    }
}
