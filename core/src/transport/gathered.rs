//! A connection that writes once what one turn of the scheduler has for it.
//!
//! h2 flushes the head of a request before hyper hands it the message, so each request would be two system calls and two
//! segments, and the server would wake twice for it. A write that waits until the tasks that are ready now have had
//! their turn finds both, and what other requests have to say as well.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Above this it is no head of a request, and worth a write of its own.
const SMALL: usize = 4096;

pub(super) struct Gathered<S> {
    inner: S,
    /// The turn was given away; what is there now is written.
    has_waited: bool,
}

impl<S> Gathered<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, has_waited: false }
    }

    /// Gives the turn away once before the first write after a flush.
    fn poll_turn(&mut self, cx: &Context<'_>, bytes: usize) -> Poll<()> {
        if self.has_waited || bytes > SMALL {
            return Poll::Ready(());
        }
        self.has_waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx, bytes.len()));
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_turn(cx, slices.iter().map(|slice| slice.len()).sum()));
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.has_waited = false;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

#[cfg(test)]
mod tests;
