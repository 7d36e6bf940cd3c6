//! The flights of one request that are in the air: one as a rule, never more than a few.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::futures::TaskLocalFuture;

use super::attempt::Attempt;
use super::plan::CallKind;

/// Not `FuturesUnordered`: that wakes its task once more for every future it has found pending, which for a single one
/// is a turn of the scheduler for nothing; and with a few, polling all costs less than finding out whom to poll.
pub(super) struct Flights<F>(Vec<Flight<F>>);

struct Flight<F> {
    attempt: Arc<Attempt>,
    request: Pin<Box<TaskLocalFuture<Arc<Attempt>, F>>>,
}

impl<F: Future> Flights<F> {
    /// Another one, elsewhere than those in the air.
    pub(super) fn launch(&mut self, request: F, kind: CallKind) {
        let places = self.0.iter().filter_map(|flight| flight.attempt.place());
        let avoid = places.map(|place| place.endpoint.id()).collect();
        let attempt = Attempt::new(avoid, kind == CallKind::ReadAtHome);
        let request = Box::pin(Arc::clone(&attempt).run(request));
        self.0.push(Flight { attempt, request });
    }

    /// The first that ends; never, when there is none.
    ///
    /// # Cancel safety
    /// Safe: what has not ended stays.
    pub(super) async fn landing(&mut self) -> (Arc<Attempt>, F::Output) {
        poll_fn(|cx| {
            for index in 0..self.0.len() {
                let Some(flight) = self.0.get_mut(index) else { break };
                if let Poll::Ready(output) = flight.request.as_mut().poll(cx) {
                    return Poll::Ready((self.0.swap_remove(index).attempt, output));
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl<F> Flights<F> {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(1))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something came for one of them since this was last asked.
    pub(super) fn any_was_heard(&self) -> bool {
        self.0.iter().any(|flight| flight.attempt.was_heard())
    }

    /// Nothing came: has the endpoints looked at, and takes back a write that was not sent yet. Says how many it took
    /// back.
    pub(super) fn suspect(&mut self, kind: CallKind) -> u32 {
        for flight in &self.0 {
            flight.attempt.suspect();
        }
        // A read may as well go on: whichever answer comes first will do.
        if kind != CallKind::Write || self.still_out() > 0 {
            return 0;
        }
        self.0.drain(..).map(|_| 1).sum()
    }

    /// How many of them were sent, so that nobody knows what becomes of them.
    pub(super) fn still_out(&self) -> u32 {
        self.0.iter().map(|flight| u32::from(!flight.attempt.withdraw())).sum()
    }
}
