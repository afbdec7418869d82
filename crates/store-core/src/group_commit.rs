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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use futures_util::FutureExt;
    use futures_util::future::join_all;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::error::refused;

    /// A database that commits when the test permits, and refuses a 13.
    struct Commits {
        let_through: Arc<Semaphore>,
        kept: Arc<Mutex<Vec<Vec<u32>>>>,
        group: GroupCommit<u32>,
    }

    impl Commits {
        fn start() -> Self {
            let (let_through, kept) =
                (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(Vec::new())));
            let (gate, keep) = (Arc::clone(&let_through), Arc::clone(&kept));
            let (group, task) = GroupCommit::new("writer", move |items: Arc<[u32]>| {
                let (gate, keep) = (Arc::clone(&gate), Arc::clone(&keep));
                async move {
                    gate.acquire().await.unwrap().forget();
                    if items.contains(&13) {
                        return Err(refused("a 13"));
                    }
                    keep.lock().unwrap().push(items.to_vec());
                    Ok(())
                }
            });
            tokio::spawn(task.run);
            Self { let_through, kept, group }
        }

        fn open(&self) {
            self.let_through.add_permits(Semaphore::MAX_PERMITS / 2);
        }

        fn kept(&self) -> Vec<Vec<u32>> {
            self.kept.lock().unwrap().clone()
        }
    }

    #[tokio::test]
    async fn items_added_during_a_commit_share_the_next() {
        let commits = Commits::start();
        assert!(commits.group.add(1000).now_or_never().is_none());
        while commits.group.queue.capacity() < ROOM {
            tokio::task::yield_now().await;
        }
        let adding = join_all((100..300).map(|n| commits.group.add(n)));
        let (added, ()) = tokio::join!(adding, async { commits.open() });
        assert!(added.iter().all(Result::is_ok));
        assert_eq!(commits.kept(), [vec![1000], (100..300).collect()]);
    }

    #[tokio::test]
    async fn sequential_items_are_written_alone_and_in_order() {
        let commits = Commits::start();
        commits.open();
        for n in 0..5 {
            commits.group.add(n).await.unwrap();
        }
        assert_eq!(commits.kept(), [[0], [1], [2], [3], [4]]);
    }

    #[tokio::test]
    async fn a_caller_that_leaves_loses_no_item() {
        let commits = Commits::start();
        assert!(commits.group.add(1).now_or_never().is_none());
        commits.open();
        commits.group.add(2).await.unwrap();
        assert_eq!(commits.kept().concat(), [1, 2]);
    }

    #[tokio::test]
    async fn a_refused_item_is_refused_alone() {
        let commits = Commits::start();
        let adding = join_all((10..16).map(|n| commits.group.add(n)));
        let (added, ()) = tokio::join!(adding, async { commits.open() });
        let failed: Vec<_> = (10..16).zip(added).filter(|(_, result)| result.is_err()).collect();
        assert!(matches!(failed[..], [(13, Err(RepoError::Refused(_)))]), "{failed:?}");
        assert_eq!(commits.kept().concat(), [10, 11, 12, 14, 15]);
    }

    #[tokio::test]
    async fn add_is_unavailable_at_once_when_the_task_is_gone() {
        let (group, task) = GroupCommit::new("writer", |_: Arc<[u32]>| async { Ok(()) });
        let mut waiting = Box::pin(group.add(1));
        assert!((&mut waiting).now_or_never().is_none());
        drop(task);
        assert!(matches!(waiting.now_or_never(), Some(Err(RepoError::Unavailable(_)))));
        assert!(matches!(group.add(2).now_or_never(), Some(Err(RepoError::Unavailable(_)))));
    }

    #[tokio::test]
    async fn add_is_unavailable_at_once_when_the_queue_is_full() {
        let commits = Commits::start();
        // The task may have taken as many as one commit holds.
        let mut waiting: Vec<_> =
            (0..ROOM + 2 * BATCH + 1).map(|_| Box::pin(commits.group.add(1))).collect();
        let told: Vec<_> = waiting.iter_mut().filter_map(|one| one.now_or_never()).collect();
        assert!(!told.is_empty());
        assert!(told.iter().all(|one| matches!(one, Err(RepoError::Unavailable(_)))));
        drop(waiting);
        commits.open();
        while commits.kept().concat().len() < ROOM {
            tokio::task::yield_now().await;
        }
        commits.group.add(2).await.unwrap();
    }
}
