//! [`GroupCommit`] with a database that the test controls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use billing_domain::ports::RepoError;
use futures_util::FutureExt;
use futures_util::future::join_all;
use store_core::error::refused;
use store_core::group_commit::GroupCommit;
use tokio::sync::Semaphore;

/// More items than the queue and a batch can contain.
const MANY: usize = 10_000;

/// A database that commits when the test permits it, and refuses 13.
struct Commits {
    permits: Arc<Semaphore>,
    begun: Arc<AtomicUsize>,
    kept: Arc<Mutex<Vec<Vec<u32>>>>,
    group: GroupCommit<u32>,
}

impl Commits {
    fn start() -> Self {
        let permits = Arc::new(Semaphore::new(0));
        let kept = Arc::new(Mutex::new(Vec::new()));
        let begun = Arc::new(AtomicUsize::new(0));
        let (gate, begin, keep) = (Arc::clone(&permits), Arc::clone(&begun), Arc::clone(&kept));
        let (group, task) = GroupCommit::new("writer", move |items: Arc<[u32]>| {
            begin.fetch_add(1, Ordering::SeqCst);
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
        Self { permits, begun, kept, group }
    }

    fn open(&self) {
        self.permits.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    fn kept(&self) -> Vec<Vec<u32>> {
        self.kept.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn items_added_during_a_commit_share_the_next_commit() {
    let commits = Commits::start();
    assert!(commits.group.add(1000).now_or_never().is_none());
    while commits.begun.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let adding = join_all((100..300).map(|n| commits.group.add(n)));
    let (added, ()) = tokio::join!(adding, async { commits.open() });
    assert!(added.iter().all(Result::is_ok));
    assert_eq!(commits.kept(), [vec![1000], (100..300).collect()]);
}

#[tokio::test]
async fn sequential_items_have_separate_commits_in_order() {
    let commits = Commits::start();
    commits.open();
    for n in 0..5 {
        commits.group.add(n).await.unwrap();
    }
    assert_eq!(commits.kept(), [[0], [1], [2], [3], [4]]);
}

#[tokio::test]
async fn item_of_cancelled_call_is_committed() {
    let commits = Commits::start();
    assert!(commits.group.add(1).now_or_never().is_none());
    commits.open();
    commits.group.add(2).await.unwrap();
    assert_eq!(commits.kept().concat(), [1, 2]);
}

#[tokio::test]
async fn refused_item_does_not_fail_other_items() {
    let commits = Commits::start();
    let adding = join_all((10..16).map(|n| commits.group.add(n)));
    let (added, ()) = tokio::join!(adding, async { commits.open() });
    let failed: Vec<_> = (10..16).zip(added).filter(|(_, result)| result.is_err()).collect();
    assert!(matches!(failed[..], [(13, Err(RepoError::Refused(_)))]), "{failed:?}");
    assert_eq!(commits.kept().concat(), [10, 11, 12, 14, 15]);
}

#[tokio::test]
async fn add_fails_immediately_when_task_has_ended() {
    let (group, task) = GroupCommit::new("writer", |_: Arc<[u32]>| async { Ok(()) });
    let mut waiting = Box::pin(group.add(1));
    assert!((&mut waiting).now_or_never().is_none());
    drop(task);
    assert!(matches!(waiting.now_or_never(), Some(Err(RepoError::Unavailable(_)))));
    assert!(matches!(group.add(2).now_or_never(), Some(Err(RepoError::Unavailable(_)))));
}

#[tokio::test]
async fn add_fails_immediately_when_queue_is_full() {
    let commits = Commits::start();
    let mut waiting: Vec<_> = (0..MANY).map(|_| Box::pin(commits.group.add(1))).collect();
    let failed: Vec<_> = waiting.iter_mut().filter_map(|one| one.now_or_never()).collect();
    let queued = MANY - failed.len();
    assert!(queued > 0 && !failed.is_empty(), "{queued}");
    assert!(failed.iter().all(|one| matches!(one, Err(RepoError::Unavailable(_)))));
    drop(waiting);
    commits.open();
    while commits.kept().concat().len() < queued {
        tokio::task::yield_now().await;
    }
    commits.group.add(2).await.unwrap();
}
