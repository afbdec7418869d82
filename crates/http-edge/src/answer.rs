//! A response body that reports sent bytes and its end to an observer.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// Observes a response body. It is dropped when the body ends.
pub(crate) trait Watcher: Send + Unpin + 'static {
    /// Called with the length of each data frame.
    fn sent(&mut self, bytes: usize);
}

/// A body that reports each frame to its watcher. It drops the watcher on success, error and abort.
pub(crate) struct WatchedBody<W> {
    body: Body,
    watcher: Option<W>,
}

impl<W: Watcher> WatchedBody<W> {
    pub(crate) fn new(body: Body, watcher: W) -> Self {
        Self { body, watcher: Some(watcher) }
    }
}

impl<W: Watcher> HttpBody for WatchedBody<W> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(watcher), Some(data)) = (&mut self.watcher, frame.data_ref()) {
                    watcher.sent(data.len());
                }
            }
            Poll::Ready(Some(Err(_)) | None) => self.watcher = None,
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
