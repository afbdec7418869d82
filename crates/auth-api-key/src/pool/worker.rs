//! The pool's threads and the queue that feeds them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use metrics::{counter, gauge};

use super::{Memory, PoolLimits};

/// Work for a thread of the pool.
pub(super) trait Job: Send {
    /// Returns whether the caller still waits for the result.
    fn is_wanted(&self) -> bool;
    /// Runs the job.
    fn run(self: Box<Self>, memory: &mut Memory);
}

/// The queue is full or closed.
pub(super) struct QueueFull;

/// The threads and their queue. Threads start on demand and end when they are idle.
pub(super) struct Workers {
    limits: PoolLimits,
    state: Mutex<State>,
    changed: Condvar,
    runs: AtomicU64,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn Job>>,
    /// Threads that run or are being started.
    alive: usize,
    /// Threads that wait for work.
    idle: usize,
    closed: bool,
}

impl Workers {
    pub(super) fn new(limits: PoolLimits) -> Self {
        let workers = Self {
            limits,
            state: Mutex::default(),
            changed: Condvar::new(),
            runs: AtomicU64::new(0),
        };
        workers.lock().report_depth();
        workers
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    /// Returns whether a job that is queued now would start immediately.
    pub(super) fn has_idle_thread(&self) -> bool {
        let state = self.lock();
        state.queue.is_empty() && (state.idle > 0 || state.alive < self.limits.threads.get())
    }

    /// Queues a job. Starts a thread if no thread is idle and the limit allows another.
    pub(super) fn submit(self: &Arc<Self>, job: Box<dyn Job>) -> Result<(), QueueFull> {
        let mut state = self.lock();
        if state.queue.len() >= self.limits.queue {
            // Jobs whose callers are gone occupy slots.
            state.queue.retain(|queued| queued.is_wanted());
        }
        if state.closed || state.queue.len() >= self.limits.queue {
            return Err(QueueFull);
        }

        state.queue.push_back(job);
        state.report_depth();
        let start = state.queue.len() > state.idle && state.alive < self.limits.threads.get();
        if start {
            state.alive += 1;
        }
        drop(state);

        self.changed.notify_one();
        if start {
            self.start_thread();
        }
        Ok(())
    }

    /// Drops queued jobs and ends the threads after their current job.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.queue.clear();
        state.report_depth();
        drop(state);
        self.changed.notify_all();
    }

    fn start_thread(self: &Arc<Self>) {
        let workers = Arc::clone(self);
        let started =
            thread::Builder::new().name("argon2".to_owned()).spawn(move || workers.work());
        let Err(error) = started else { return };
        tracing::error!(%error, "failed to start an argon2 thread");
        let mut state = self.lock();
        state.alive -= 1;
        if state.alive == 0 {
            // No thread is left to run these jobs. Dropping them fails their callers.
            state.queue.clear();
            state.report_depth();
        }
    }

    fn work(&self) {
        let mut memory = Memory::default();
        while let Some(job) = self.next_job() {
            self.runs.fetch_add(1, Ordering::Relaxed);
            counter!("billing_argon2_runs_total").increment(1);
            if catch_unwind(AssertUnwindSafe(|| job.run(&mut memory))).is_err() {
                tracing::error!("an argon2 run panicked");
                memory = Memory::default();
            }
            memory.trim();
        }
    }

    /// Returns the oldest job with a waiting caller, or `None` if the thread should end.
    fn next_job(&self) -> Option<Box<dyn Job>> {
        let mut state = self.lock();
        loop {
            while let Some(job) = state.queue.pop_front() {
                state.report_depth();
                if job.is_wanted() {
                    return Some(job);
                }
            }
            if state.closed {
                break;
            }
            state.idle += 1;
            let (woken, waited) = self
                .changed
                .wait_timeout(state, self.limits.idle_timeout)
                .unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.queue.is_empty() {
                break;
            }
        }
        state.alive -= 1;
        None
    }

    /// Locks the state. No job runs under the lock, so the state is valid even if it is poisoned.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn alive(&self) -> usize {
        self.lock().alive
    }

    #[cfg(test)]
    pub(super) fn queued(&self) -> usize {
        self.lock().queue.len()
    }
}

impl State {
    fn report_depth(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a queue never has 2^52 jobs")]
        gauge!("billing_argon2_queue_depth").set(self.queue.len() as f64);
    }
}
