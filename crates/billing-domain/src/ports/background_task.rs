//! [`BackgroundTask`]: work that an adapter needs done behind the requests.

use std::fmt;
use std::pin::Pin;

/// A task that an adapter hands to the application, which runs and supervises it.
///
/// An adapter never spawns a task of its own: a panic in it would go unnoticed. The task runs until everything that uses
/// the adapter is dropped. The application treats an earlier end, and a panic, as a fault of the process.
pub struct BackgroundTask {
    /// A short name for logs, for example `audit writer`.
    pub name: &'static str,
    /// The work.
    pub run: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl BackgroundTask {
    /// A task with this name.
    pub fn new(name: &'static str, run: impl Future<Output = ()> + Send + 'static) -> Self {
        Self { name, run: Box::pin(run) }
    }
}

impl fmt::Debug for BackgroundTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BackgroundTask").field(&self.name).finish()
    }
}
