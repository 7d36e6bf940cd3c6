//! The raw keep-alive stream: lease ids in, what is left of them out.
//!
//! etcd-client's own swallows the first answer and cannot be opened without a live lease. etcd sends the headers of its
//! response only together with the first answer, so opening does not wait for them: what is not open yet is finished by
//! [`KeepAlive::message`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use http::uri::PathAndQuery;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};
use tonic::client::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;

use super::attempt::Attempt;
use super::class::KEEP_ALIVE;
use super::picker::EndpointId;
use super::service::{Hub, carry};
use super::wire::{LeaseKeepAliveRequest, LeaseKeepAliveResponse};
use super::{Transport, retry};
use crate::error::{Error, ErrorKind, Result};
use crate::time::Deadline;

const OP: &str = "lease.keep_alive";

/// Requests that wait for the connection; a sender waits beyond that.
const WAITING_REQUESTS: usize = 1024;

/// An answer: what is left of this lease. Zero: it does not exist any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeepAliveAnswer {
    pub(crate) id: i64,
    pub(crate) ttl: i64,
}

type Answers = Streaming<LeaseKeepAliveResponse>;

enum State {
    Opening(Pin<Box<dyn Future<Output = Result<Response<Answers>, Status>> + Send>>),
    Open(Box<Answers>),
    Over,
}

/// One stream. Dropping it ends it, also while clones of `requests` live.
pub(crate) struct KeepAlive {
    /// Takes lease ids from the moment the stream exists; clones may be used beside [`message`](Self::message).
    pub(crate) requests: mpsc::Sender<i64>,
    state: State,
    hub: Arc<Hub>,
    attempt: Arc<Attempt>,
    _end: DropGuard,
}

impl Transport {
    /// Opens a keep-alive stream at the home endpoint; returns when a connection has taken it.
    ///
    /// # Errors
    /// `Unavailable` when no endpoint can be reached, `DeadlineExceeded` when the connection is not there in time.
    ///
    /// # Cancel safety
    /// Dropping it ends the stream.
    pub(crate) async fn keep_alive(&self, deadline: Deadline) -> Result<KeepAlive> {
        let (requests, ids) = mpsc::channel(WAITING_REQUESTS);
        let (on_wire, mut is_on_wire) = oneshot::channel();
        let end = CancellationToken::new();
        let body = Ids { ids, on_wire: Some(on_wire), end: Box::pin(end.clone().cancelled_owned()) };
        let attempt = Attempt::new(Vec::new(), false);
        let hub = self.hub();
        let opening = Box::pin(open(Arc::clone(&hub), Arc::clone(&attempt), body));
        hub.picker.home.keep_alive_begins();
        let mut stream = KeepAlive { requests, state: State::Opening(opening), hub, attempt, _end: end.drop_guard() };
        let taken = async {
            tokio::select! {
                biased;
                opened = stream.open() => opened,
                _ = &mut is_on_wire => Ok(()),
            }
        };
        let taken = deadline.limit(taken).await;
        taken.unwrap_or_else(|_| Err(Error::new(ErrorKind::DeadlineExceeded, OP).with_detail("no connection")))?;
        Ok(stream)
    }
}

impl KeepAlive {
    /// The next answer; None when the server has ended the stream.
    ///
    /// # Errors
    /// The stream failed, and is over. `Unauthenticated`: its token is stale, renew it and open another.
    ///
    /// # Cancel safety
    /// Nothing is lost when it is dropped.
    pub(crate) async fn message(&mut self) -> Result<Option<KeepAliveAnswer>> {
        self.open().await?;
        let State::Open(answers) = &mut self.state else { return Ok(None) };
        match answers.message().await {
            Ok(Some(LeaseKeepAliveResponse { id, ttl })) => {
                if let Some(endpoint) = self.endpoint() {
                    self.hub.picker.home.vouch(endpoint);
                }
                Ok(Some(KeepAliveAnswer { id, ttl }))
            }
            Ok(None) => {
                self.state = State::Over;
                Ok(None)
            }
            Err(status) => Err(self.failed(status)),
        }
    }

    /// Its answers are late: has the endpoint looked at. If nobody is there, this stream ends as soon as there is another
    /// endpoint to go to. If somebody is, the connection may be stuck, so the next stream gets a new one.
    pub(crate) fn suspect(&self) {
        if let Some(endpoint) = self.attempt.suspect() {
            endpoint.renew_keep_alive();
        }
    }

    fn endpoint(&self) -> Option<EndpointId> {
        self.attempt.place().map(|place| place.endpoint.id())
    }

    async fn open(&mut self) -> Result<()> {
        let State::Opening(opening) = &mut self.state else { return Ok(()) };
        match opening.await {
            Ok(response) => {
                self.state = State::Open(Box::new(response.into_inner()));
                Ok(())
            }
            Err(status) => Err(self.failed(status)),
        }
    }

    fn failed(&mut self, status: Status) -> Error {
        self.state = State::Over;
        retry::into_error(OP, &[], status.into())
    }
}

impl Drop for KeepAlive {
    fn drop(&mut self) {
        self.hub.picker.home.keep_alive_ends(self.endpoint());
    }
}

async fn open(hub: Arc<Hub>, attempt: Arc<Attempt>, ids: Ids) -> Result<Response<Answers>, Status> {
    let mut grpc = Grpc::new(tower::service_fn(move |request| {
        let carried = carry(Arc::clone(&hub), request, Some(Arc::clone(&attempt)));
        // Boxed, so that the type of this function's own future stays simple enough to be boxed in its turn.
        let carried: Pin<Box<dyn Future<Output = _> + Send>> =
            Box::pin(async move { carried.await.map_err(Status::from_error) });
        carried
    }));
    let codec = ProstCodec::<LeaseKeepAliveRequest, LeaseKeepAliveResponse>::default();
    grpc.streaming(Request::new(ids), PathAndQuery::from_static(KEEP_ALIVE), codec).await
}

/// The requests as the connection reads them.
struct Ids {
    ids: mpsc::Receiver<i64>,
    on_wire: Option<oneshot::Sender<()>>,
    end: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl Stream for Ids {
    type Item = LeaseKeepAliveRequest;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<LeaseKeepAliveRequest>> {
        if let Some(on_wire) = self.on_wire.take() {
            // Nobody listens any more when the stream was given up meanwhile; its end comes below.
            let _ = on_wire.send(());
        }
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        self.ids.poll_recv(cx).map(|id| id.map(|id| LeaseKeepAliveRequest { id }))
    }
}
