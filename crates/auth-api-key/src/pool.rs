//! [`Argon2Pool`]: a few threads, a bounded queue, and no memory while it is idle.

mod memory;
mod worker;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, describe_counter, describe_gauge};
use tokio::sync::oneshot;
use tokio::time::timeout;

pub(crate) use memory::Memory;
use worker::{Job, Workers};

/// Retry delay sent to an overloaded caller. The pool verifies dozens of keys in this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Limits of the argon2 pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Threads, and so keys verified in parallel. Each busy thread uses 19 MiB.
    pub threads: NonZeroUsize,
    /// Keys that may wait for a thread. Further callers get `Overloaded` immediately.
    pub queue: usize,
    /// Time limit for a job, including its wait. The caller gets `Overloaded` afterwards.
    pub timeout: Duration,
    /// Time after which an idle thread ends and frees its memory.
    pub idle_timeout: Duration,
}

impl PoolLimits {
    /// Returns the limits for a machine with `cores` cores: a thread per core, but at most four,
    /// because argon2 is bound by memory bandwidth. The queue accepts hundreds of valid keys
    /// first used at the same time (a run takes about 20 ms). The timeout is well below
    /// the request timeout.
    #[must_use]
    pub fn for_cores(cores: NonZeroUsize) -> Self {
        const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
        Self {
            threads: cores.min(MOST),
            queue: 512,
            timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(2),
        }
    }
}

/// Why a job returned no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolError {
    /// The queue is full, or the job timed out.
    Overloaded {
        /// When the client should retry.
        retry_after: Duration,
    },
    /// The job panicked, or no thread could be started. The log has the cause.
    Failed,
}

/// Runs argon2 on a bounded number of threads, so that hashing cannot exhaust the request threads,
/// tokio's blocking pool or memory. A process has one pool. Threads start on demand and end, with
/// their memory, when they are idle.
pub struct Argon2Pool {
    workers: Arc<Workers>,
    limits: PoolLimits,
}

impl Argon2Pool {
    /// Creates a pool without threads and registers its metrics with the value zero.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        describe_counter!("billing_argon2_runs_total", "argon2 computations for API keys");
        describe_counter!(
            "billing_argon2_overloads_total",
            "API keys refused because the argon2 pool was overloaded, by cause"
        );
        describe_gauge!(
            "billing_argon2_queue_depth",
            "API keys that wait for a thread of the argon2 pool"
        );
        counter!("billing_argon2_runs_total").absolute(0);
        for cause in [QUEUE_FULL, TOO_SLOW] {
            counter!("billing_argon2_overloads_total", "cause" => cause).absolute(0);
        }
        Self { workers: Arc::new(Workers::new(limits)), limits }
    }

    /// Returns the number of argon2 runs. Refused and abandoned jobs do not count.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.workers.runs()
    }

    /// Runs `work` on a thread of the pool with that thread's memory. If the caller is dropped
    /// before the job starts, the job never runs.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        let (reply, receiver) = oneshot::channel();
        self.workers
            .submit(Box::new(Request { work, reply }))
            .map_err(|_| overloaded(QUEUE_FULL))?;
        self.wait(receiver).await
    }

    /// Like [`run`](Self::run), but returns `Overloaded` unless a thread is idle. Presented keys
    /// therefore wait for at most one such run.
    pub(crate) async fn run_if_idle<T, F>(&self, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        if !self.workers.has_idle_thread() {
            return Err(PoolError::Overloaded { retry_after: RETRY_AFTER });
        }
        self.run(work).await
    }

    async fn wait<T>(&self, receiver: oneshot::Receiver<T>) -> Result<T, PoolError> {
        match timeout(self.limits.timeout, receiver).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => Err(PoolError::Failed),
            Err(_) => Err(overloaded(TOO_SLOW)),
        }
    }
}

const QUEUE_FULL: &str = "queue_full";
const TOO_SLOW: &str = "too_slow";

fn overloaded(cause: &'static str) -> PoolError {
    counter!("billing_argon2_overloads_total", "cause" => cause).increment(1);
    tracing::debug!(cause, "the argon2 pool is overloaded");
    PoolError::Overloaded { retry_after: RETRY_AFTER }
}

impl Drop for Argon2Pool {
    fn drop(&mut self) {
        // Does not join the threads: this may run on a request thread, and they end within one run.
        self.workers.close();
    }
}

impl fmt::Debug for Argon2Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Pool")
            .field("limits", &self.limits)
            .field("runs", &self.runs())
            .finish_non_exhaustive()
    }
}

/// A job and the channel to its caller.
struct Request<T, F> {
    work: F,
    reply: oneshot::Sender<T>,
}

impl<T, F> Job for Request<T, F>
where
    T: Send,
    F: FnOnce(&mut Memory) -> T + Send,
{
    fn is_wanted(&self) -> bool {
        !self.reply.is_closed()
    }

    fn run(self: Box<Self>, memory: &mut Memory) {
        let result = (self.work)(memory);
        // An error means that the caller is gone.
        let _ = self.reply.send(result);
    }
}

#[cfg(test)]
mod tests;
