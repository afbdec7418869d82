//! Tests of the pool, with jobs that block until the test releases them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use tokio::task::JoinHandle;

use super::*;

const FAR: Duration = Duration::from_secs(60);

fn pool(threads: usize, queue: usize) -> Arc<Argon2Pool> {
    let threads = NonZeroUsize::new(threads).unwrap();
    Arc::new(Argon2Pool::new(PoolLimits { threads, queue, timeout: FAR, idle_timeout: FAR }))
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + FAR;
    while !condition() {
        assert!(Instant::now() < deadline, "timed out waiting for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Blocks one thread until the sender is dropped.
async fn occupy(pool: &Arc<Argon2Pool>) -> (mpsc::Sender<()>, JoinHandle<Result<(), PoolError>>) {
    let (release, wait) = mpsc::channel::<()>();
    let (started, runs) = oneshot::channel();
    let pool = Arc::clone(pool);
    let job = tokio::spawn(async move {
        pool.run(move |_| {
            started.send(()).unwrap();
            let _ = wait.recv();
        })
        .await
    });
    runs.await.unwrap();
    (release, job)
}

fn submit(pool: &Arc<Argon2Pool>, ran: &Arc<AtomicUsize>) -> JoinHandle<Result<usize, PoolError>> {
    let (pool, ran) = (Arc::clone(pool), Arc::clone(ran));
    tokio::spawn(async move { pool.run(move |_| ran.fetch_add(1, Ordering::SeqCst)).await })
}

fn is_overloaded<T>(result: &Result<T, PoolError>) -> bool {
    matches!(result, Err(PoolError::Overloaded { retry_after }) if *retry_after > Duration::ZERO)
}

#[tokio::test]
async fn no_thread_starts_before_the_first_job_and_never_more_than_allowed() {
    let pool = pool(2, 8);
    assert_eq!(pool.workers.alive(), 0);
    let ran = Arc::default();
    assert_eq!(submit(&pool, &ran).await.unwrap(), Ok(0));
    assert_eq!(pool.workers.alive(), 1);
    let first = occupy(&pool).await;
    let second = occupy(&pool).await;
    let third = submit(&pool, &ran);
    until("a job queued behind two threads", || pool.workers.queued() == 1).await;
    assert_eq!(pool.workers.alive(), 2);
    drop((first.0, second.0));
    assert_eq!(third.await.unwrap(), Ok(1));
    assert_eq!(pool.runs(), 4);
}

#[tokio::test]
async fn a_full_queue_refuses_the_next_job_and_runs_the_queued_ones() {
    let pool = pool(1, 2);
    let ran = Arc::default();
    let (release, busy) = occupy(&pool).await;
    let waiting = [submit(&pool, &ran), submit(&pool, &ran)];
    until("a full queue", || pool.workers.queued() == 2).await;
    assert!(is_overloaded(&submit(&pool, &ran).await.unwrap()));
    drop(release);
    assert_eq!(busy.await.unwrap(), Ok(()));
    for job in waiting {
        assert!(job.await.unwrap().is_ok());
    }
    assert_eq!(ran.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn run_if_idle_runs_only_while_a_thread_is_idle() {
    let pool = pool(1, 8);
    assert_eq!(pool.run_if_idle(|_| 1).await, Ok(1));
    let (release, busy) = occupy(&pool).await;
    assert!(is_overloaded(&pool.run_if_idle(|_| 2).await));
    drop(release);
    assert_eq!(busy.await.unwrap(), Ok(()));
    until("an idle thread", || pool.workers.has_idle_thread()).await;
    assert_eq!(pool.run_if_idle(|_| 3).await, Ok(3));
}

#[tokio::test]
async fn a_job_that_times_out_in_the_queue_never_runs() {
    let one = NonZeroUsize::MIN;
    let limits = PoolLimits {
        threads: one,
        queue: 8,
        timeout: Duration::from_millis(20),
        idle_timeout: FAR,
    };
    let pool = Arc::new(Argon2Pool::new(limits));
    let (release, busy) = occupy(&pool).await;
    let ran = Arc::default();
    assert!(is_overloaded(&submit(&pool, &ran).await.unwrap()));
    assert!(is_overloaded(&busy.await.unwrap()));
    drop(release);
    until("an empty queue", || pool.workers.queued() == 0).await;
    until("a job that runs again", || pool.runs() == 1).await;
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_cancelled_caller_frees_its_queue_slot_and_costs_no_run() {
    let pool = pool(1, 2);
    let ran = Arc::default();
    let (release, _busy) = occupy(&pool).await;
    let gone = [submit(&pool, &ran), submit(&pool, &ran)];
    until("a full queue", || pool.workers.queued() == 2).await;
    for job in gone {
        job.abort();
        assert!(job.await.unwrap_err().is_cancelled());
    }
    let waiting = submit(&pool, &ran);
    until("the freed slots reused", || pool.workers.queued() == 1).await;
    drop(release);
    assert_eq!(waiting.await.unwrap(), Ok(0));
    assert_eq!((ran.load(Ordering::SeqCst), pool.runs()), (1, 2));
}

#[tokio::test]
async fn a_panic_fails_only_its_job() {
    let pool = pool(1, 8);
    assert_eq!(pool.run(|_| panic!("on purpose")).await, Err::<(), _>(PoolError::Failed));
    assert_eq!(pool.run(|memory| memory.blocks(8).len()).await, Ok(8));
    assert_eq!(pool.workers.alive(), 1);
}

#[tokio::test]
async fn idle_threads_end_and_start_again() {
    let idle_timeout = Duration::from_millis(10);
    let pool = Arc::new(Argon2Pool::new(PoolLimits {
        threads: NonZeroUsize::MIN,
        queue: 8,
        timeout: FAR,
        idle_timeout,
    }));
    for round in 1..=3 {
        assert_eq!(pool.run(move |_| round).await, Ok(round));
        until("no thread left", || pool.workers.alive() == 0).await;
    }
}

#[tokio::test]
async fn a_dropped_pool_ends_its_threads() {
    let pool = pool(2, 8);
    assert_eq!(pool.run(|_| ()).await, Ok(()));
    let workers = Arc::clone(&pool.workers);
    drop(pool);
    until("no thread left", || workers.alive() == 0).await;
}

#[test]
fn the_limits_depend_on_the_cores() {
    let limits = |cores| PoolLimits::for_cores(NonZeroUsize::new(cores).unwrap());
    assert_eq!([1, 2, 4, 64].map(|cores| limits(cores).threads.get()), [1, 2, 4, 4]);
    assert!(limits(2).queue >= 256);
}
