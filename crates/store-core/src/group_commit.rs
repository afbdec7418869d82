//! [`GroupCommit`]: concurrent writes share a commit.

use std::sync::Arc;

use billing_domain::ports::{BackgroundTask, RepoError};
use tokio::sync::{mpsc, oneshot};

use crate::error::{copy, unavailable};

/// Capacity of the queue. If it is full, the database is too slow, and callers get an error at
/// once.
const QUEUE_CAPACITY: usize = 4096;

/// Items per commit. Keeps a commit short (milliseconds).
const BATCH_SIZE: usize = 512;

/// A bounded queue to a task that writes. An idle task writes an item immediately; items added
/// during a commit share the next one. Clones share the task, which ends after the last clone.
#[derive(Debug)]
pub struct GroupCommit<T> {
    queue: mpsc::Sender<QueuedItem<T>>,
}

#[derive(Debug)]
struct QueuedItem<T> {
    item: T,
    written: oneshot::Sender<Result<(), RepoError>>,
}

impl<T: Clone + Send + Sync + 'static> GroupCommit<T> {
    /// Creates the queue and its task. `write` must commit all items or none, in bounded time.
    pub fn new<W>(
        name: &'static str,
        write: impl Fn(Arc<[T]>) -> W + Send + 'static,
    ) -> (Self, BackgroundTask)
    where
        W: Future<Output = Result<(), RepoError>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(QUEUE_CAPACITY);
        // The task owns the items, because callers may be cancelled.
        (Self { queue }, BackgroundTask::new(name, write_all(waiting, write)))
    }

    /// Adds an item. It is committed when this returns. A cancelled call may or may not add it.
    ///
    /// # Errors
    /// The error of the commit; [`RepoError::Unavailable`] if the queue is full or the task has ended.
    pub async fn add(&self, item: T) -> Result<(), RepoError> {
        let (written, result) = oneshot::channel();
        self.queue.try_send(QueuedItem { item, written }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                unavailable(format!("the queue of {QUEUE_CAPACITY} writes is full"))
            }
            mpsc::error::TrySendError::Closed(_) => unavailable("the writer task has ended"),
        })?;
        result.await.unwrap_or_else(|_| Err(unavailable("the writer task has ended")))
    }
}

impl<T> Clone for GroupCommit<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

async fn write_all<T: Clone, W>(
    mut queue: mpsc::Receiver<QueuedItem<T>>,
    write: impl Fn(Arc<[T]>) -> W,
) where
    W: Future<Output = Result<(), RepoError>>,
{
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH_SIZE).await > 0 {
        let (items, callers): (Vec<T>, Vec<_>) =
            batch.drain(..).map(|one| (one.item, one.written)).unzip();
        let items: Arc<[T]> = items.into();
        match write(Arc::clone(&items)).await {
            // One item is invalid. Write the items one by one to keep the others.
            Err(RepoError::Refused(_)) if items.len() > 1 => {
                for (item, caller) in items.iter().zip(callers) {
                    let _ = caller.send(write(Arc::from([item.clone()])).await);
                }
            }
            result => {
                for caller in callers {
                    let _ = caller.send(result.as_ref().map(|&()| ()).map_err(copy));
                }
            }
        }
    }
}
