//! A message is either taken back or sent, never both; a stream ends with its endpoint.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::body::Body;

use super::{GuardedBody, Loan, LoanedBody};
use crate::transport::picker::tests::endpoints;

/// A body of one frame; or one that stays silent.
struct Message(Option<&'static str>);

impl HttpBody for Message {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.take() {
            Some(text) => std::task::Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))),
            None => std::task::Poll::Pending,
        }
    }
}

async fn frame(body: &mut (impl HttpBody<Data = Bytes, Error = Status> + Unpin)) -> Option<Result<Bytes, Status>> {
    let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

#[tokio::test]
async fn what_was_read_cannot_be_taken_back() {
    let loan = Loan::new(Body::new(Message(Some("put"))));
    let mut lent = LoanedBody::Lent(Arc::clone(&loan));
    assert!(!lent.is_end_stream());
    assert_eq!(frame(&mut lent).await.unwrap().unwrap(), "put");
    assert!(loan.take_back().is_none());
}

#[tokio::test]
async fn what_was_taken_back_is_not_sent_any_more() {
    let loan = Loan::new(Body::new(Message(Some("put"))));
    let mut lent = LoanedBody::Lent(Arc::clone(&loan));
    let mut body = loan.take_back().unwrap();
    assert!(frame(&mut lent).await.unwrap().is_err());
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "put", "and can be sent elsewhere");
}

#[tokio::test]
async fn a_stream_ends_when_its_endpoint_is_left() {
    let left = CancellationToken::new();
    let endpoint = endpoints(1).remove(0);
    let mut body =
        GuardedBody::new(Body::new(Message(Some("event"))), left.clone().cancelled_owned(), Arc::clone(&endpoint));
    assert_eq!(frame(&mut body).await.unwrap().unwrap(), "event");
    left.cancel();
    let status = frame(&mut body).await.unwrap().unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains("127.0.0.1:10000"));
    assert!(frame(&mut body).await.is_none(), "it ends once");
}
