//! The bodies that the service puts around tonic's: a request that can be taken back, a response whose coming is noticed,
//! and one that ends with its endpoint.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::WaitForCancellationFutureOwned;
use tonic::Status;
use tonic::body::Body;

use super::attempt::Attempt;
use super::endpoint::Endpoint;
use super::health::Sign;
use super::locked;

/// A request's message while nobody has read a byte of it.
///
/// A gRPC request without its message cannot be carried out, whatever became of the headers. So as long as the loan can
/// be taken back the request was never sent, and sending it elsewhere is safe, for writes too. This is exact where error
/// codes are not: `Unavailable` and `Cancelled` come before and after sending alike.
pub(super) struct Loan {
    body: Mutex<Option<Body>>,
}

impl Loan {
    pub(super) fn new(body: Body) -> Arc<Self> {
        Arc::new(Self { body: Mutex::new(Some(body)) })
    }

    /// The message, when it was never sent; whoever has it can be sure that it will not be.
    pub(super) fn take_back(&self) -> Option<Body> {
        locked(&self.body).take()
    }
}

/// The request body that hyper reads from.
pub(super) enum LoanedBody {
    Lent(Arc<Loan>),
    Taken(Body),
}

impl HttpBody for LoanedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Self::Lent(loan) = &*self {
            let Some(body) = loan.take_back() else {
                return Poll::Ready(Some(Err(Status::cancelled("the request was withdrawn"))));
            };
            *self = Self::Taken(body);
        }
        match &mut *self {
            Self::Taken(body) => Pin::new(body).poll_frame(cx),
            Self::Lent(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Taken(body) if body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

/// A response of which somebody wants to know that it is coming.
pub(super) struct HeardBody {
    inner: Body,
    attempt: Arc<Attempt>,
}

impl HeardBody {
    pub(super) fn new(inner: Body, attempt: Arc<Attempt>) -> Self {
        Self { inner, attempt }
    }
}

impl HttpBody for HeardBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if matches!(frame, Poll::Ready(Some(Ok(_)))) {
            self.attempt.hear();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response that ends at once when its endpoint is left, instead of when the connection notices.
pub(super) struct GuardedBody {
    inner: Body,
    left: Pin<Box<WaitForCancellationFutureOwned>>,
    endpoint: Arc<Endpoint>,
    over: bool,
}

impl GuardedBody {
    pub(super) fn new(inner: Body, left: WaitForCancellationFutureOwned, endpoint: Arc<Endpoint>) -> Self {
        Self { inner, left: Box::pin(left), endpoint, over: false }
    }
}

/// What a stream says whose endpoint was left.
pub(super) fn left(endpoint: &Endpoint) -> Status {
    Status::unavailable(format!("{} was left: it gave no answer", endpoint.address()))
}

impl HttpBody for GuardedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        if this.over {
            return Poll::Ready(None);
        }
        let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => match this.left.as_mut().poll(cx) {
                Poll::Ready(()) => Some(Err(left(&this.endpoint))),
                Poll::Pending => return Poll::Pending,
            },
        };
        if !matches!(frame, Some(Ok(_))) {
            this.over = true;
            // The stream was cut off rather than ended: the other connections of this endpoint may be dead too.
            if matches!(frame, Some(Err(_))) {
                this.endpoint.notice(Sign::Trouble);
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests;
