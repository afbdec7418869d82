//! A body that ends in the middle and then closes its connection.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::connection::ConnectionHandle;

/// The first half of a body. It closes the connection after hyper has sent that half.
pub(super) struct Truncated {
    half: Option<Bytes>,
    connection: ConnectionHandle,
}

impl Truncated {
    pub(super) fn new(whole: &Bytes, connection: ConnectionHandle) -> Self {
        Self { half: Some(whole.slice(..whole.len() / 2)), connection }
    }
}

impl Body for Truncated {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.half.take() {
            Some(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            None => {
                // hyper flushes while a body is pending, and the connection closes after that.
                self.connection.close();
                Poll::Pending
            }
        }
    }
}
