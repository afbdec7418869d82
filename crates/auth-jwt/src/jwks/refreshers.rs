//! [`Refreshers`]: the task that runs the refreshers of key sets.

use std::panic::resume_unwind;
use std::pin::Pin;

use billing_domain::ports::BackgroundTask;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

type Refresher = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs one refresher for each key set in use: two while a reload loads a new set.
#[derive(Debug)]
pub(crate) struct Refreshers(mpsc::UnboundedSender<Refresher>);

impl Refreshers {
    /// Creates the task, which runs until `Self` is dropped. It panics if a refresher panics.
    pub(crate) fn new() -> (Self, BackgroundTask) {
        let (start, started) = mpsc::unbounded_channel();
        (Self(start), BackgroundTask::new("key set refresher", run(started)))
    }

    /// Starts a refresher. It ends with its key set.
    pub(super) fn start(&self, refresher: impl Future<Output = ()> + Send + 'static) {
        // If the task has ended, the set stays empty and reports that it is not loaded.
        let _ = self.0.send(Box::pin(refresher));
    }
}

async fn run(mut started: mpsc::UnboundedReceiver<Refresher>) {
    let mut running = JoinSet::new();
    loop {
        tokio::select! {
            refresher = started.recv() => match refresher {
                Some(refresher) => drop(running.spawn(refresher)),
                None => return,
            },
            Some(ended) = running.join_next() => {
                if let Some(panic) = ended.err().and_then(|error| error.try_into_panic().ok()) {
                    resume_unwind(panic);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_task_panics_when_a_refresher_panics() {
        let (refreshers, task) = Refreshers::new();
        refreshers.start(async {});
        refreshers.start(std::future::pending());
        refreshers.start(async { panic!("the refresher of a test") });
        let ended = tokio::spawn(task.run).await;
        assert!(ended.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn the_task_ends_when_the_adapter_is_dropped() {
        let (refreshers, task) = Refreshers::new();
        refreshers.start(std::future::pending());
        drop(refreshers);
        task.run.await;
    }
}
