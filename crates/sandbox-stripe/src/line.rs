//! The way for an answer to cut the connection that it was to be sent on.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::Notify;

/// The connection that a request came on, in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line(Arc<Notify>);

impl Line {
    /// Closes the connection as it is.
    pub(crate) fn cut(&self) {
        self.0.notify_one();
    }

    /// Closes the connection without an answer; whoever awaits this is dropped with it.
    pub(crate) async fn hang_up<T>(&self) -> T {
        self.cut();
        pending().await
    }

    /// Done when the connection is to be closed.
    pub(crate) async fn is_cut(&self) {
        self.0.notified().await;
    }
}
