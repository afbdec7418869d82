//! [`BackgroundTask`]: a long-running task of an adapter.

use std::fmt;
use std::pin::Pin;

/// A task of an adapter. The application runs and supervises it.
///
/// Adapters never spawn tasks themselves, because a panic would go unnoticed. The task runs until
/// all users of the adapter are dropped. The application treats an earlier end, or a panic, as a
/// fault of the process.
pub struct BackgroundTask {
    /// A short name for logs, for example `audit writer`.
    pub name: &'static str,
    /// The future to run.
    pub run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl BackgroundTask {
    /// Creates a task with this name.
    pub fn new(name: &'static str, run: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { name, run: Box::pin(run) }
    }
}

impl fmt::Debug for BackgroundTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackgroundTask").field(&self.name).finish()
    }
}
