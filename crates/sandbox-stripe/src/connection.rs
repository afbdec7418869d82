//! Lets a response close the connection that it is sent on.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::Notify;

/// A handle on a request's connection, in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionHandle(Arc<Notify>);

impl ConnectionHandle {
    /// Closes the connection.
    pub(crate) fn close(&self) {
        self.0.notify_one();
    }

    /// Closes the connection without a response. The caller's future is dropped with it.
    pub(crate) async fn close_without_response<T>(&self) -> T {
        self.close();
        pending().await
    }

    /// Waits until the connection is to be closed.
    pub(crate) async fn closing(&self) {
        self.0.notified().await;
    }
}
