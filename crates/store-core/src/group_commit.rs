//! [`GroupCommit`]: items that many callers add at once share a commit.

use std::sync::Arc;

use billing_domain::ports::{BackgroundTask, RepoError};
use tokio::sync::{mpsc, oneshot};

use crate::error::{again, unavailable};

/// Items that may wait. A full queue means that the database hardly moves, and then a caller gets its error at once.
const ROOM: usize = 4096;

/// Items per commit, so that a commit stays a matter of milliseconds.
const BATCH: usize = 512;

/// A queue to one task, which writes. An item that finds the task idle is written at once; those added during a commit share
/// the next one. Clones share the task, which ends after the last of them.
#[derive(Debug)]
pub struct GroupCommit<T> {
    queue: mpsc::Sender<Waiting<T>>,
}

#[derive(Debug)]
struct Waiting<T> {
    item: T,
    written: oneshot::Sender<Result<(), RepoError>>,
}

impl<T: Clone + Send + Sync + 'static> GroupCommit<T> {
    /// The queue and the task that writes, for the application to run. `write` commits all items or none, in bounded time.
    pub fn new<W>(
        name: &'static str,
        write: impl Fn(Arc<[T]>) -> W + Send + 'static,
    ) -> (Self, BackgroundTask)
    where
        W: Future<Output = Result<(), RepoError>> + Send + 'static,
    {
        let (queue, waiting) = mpsc::channel(ROOM);
        // A caller may stop waiting at any time: the task owns what was added.
        (Self { queue }, BackgroundTask::new(name, write_all(waiting, write)))
    }

    /// Adds an item. It is committed when this returns; a caller that stops waiting before may have added it or not.
    ///
    /// # Errors
    /// The error of the commit; [`RepoError::Unavailable`] at once where the queue is full or the task has ended.
    pub async fn add(&self, item: T) -> Result<(), RepoError> {
        let (written, answer) = oneshot::channel();
        self.queue.try_send(Waiting { item, written }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => {
                unavailable(format!("{ROOM} writes wait for a commit already"))
            }
            mpsc::error::TrySendError::Closed(_) => unavailable("the task that writes has ended"),
        })?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the task that writes has ended")))
    }
}

impl<T> Clone for GroupCommit<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

async fn write_all<T: Clone, W>(
    mut queue: mpsc::Receiver<Waiting<T>>,
    write: impl Fn(Arc<[T]>) -> W,
) where
    W: Future<Output = Result<(), RepoError>>,
{
    let mut batch = Vec::new();
    while queue.recv_many(&mut batch, BATCH).await > 0 {
        let (items, callers): (Vec<T>, Vec<_>) =
            batch.drain(..).map(|one| (one.item, one.written)).unzip();
        let items: Arc<[T]> = items.into();
        // A caller that has left needs no answer.
        match write(Arc::clone(&items)).await {
            // One item is at fault, and the others must not fail with it.
            Err(RepoError::Refused(_)) if items.len() > 1 => {
                for (item, caller) in items.iter().zip(callers) {
                    let _ = caller.send(write(Arc::from([item.clone()])).await);
                }
            }
            result => {
                for caller in callers {
                    let _ = caller.send(result.as_ref().map(|&()| ()).map_err(again));
                }
            }
        }
    }
}
