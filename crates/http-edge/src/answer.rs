//! A response body that knows how much of it was sent, and when it is over.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

/// What wants to know about a response body.
pub(crate) trait Watcher: Send + Unpin + 'static {
    /// So many further bytes are on their way.
    fn sent(&mut self, bytes: usize);
}

/// Reports each frame to its watcher, and drops it when the body ends, however it ends.
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
