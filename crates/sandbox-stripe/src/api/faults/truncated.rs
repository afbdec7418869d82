//! A body that ends in its middle, and the connection with it.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};

use crate::line::Line;

/// The first half of a body. Once it has been handed over the line is cut, so that the rest is missed at once.
pub(super) struct Truncated {
    half: Option<Bytes>,
    line: Line,
}

impl Truncated {
    pub(super) fn new(whole: &Bytes, line: Line) -> Self {
        Self { half: Some(whole.slice(..whole.len() / 2)), line }
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
                // hyper writes out what it has while a body is pending, and the cut comes after that.
                self.line.cut();
                Poll::Pending
            }
        }
    }
}
