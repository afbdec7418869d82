//! The pool that argon2 runs on: a few threads of its own, a bounded queue, and no memory while nobody needs it.

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

/// When to come back where there was no room: the queue moves by dozens of keys in that time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How much of the machine argon2 may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Threads, hence keys verified at once. Each holds a block of memory (19 MiB) while it works.
    pub threads: NonZeroUsize,
    /// Keys that may wait for a thread. Beyond it: overloaded, at once.
    pub queue: usize,
    /// How long one may take, waiting included. Beyond it: overloaded.
    pub patience: Duration,
    /// How long a thread stays, with its memory, when there is nothing to do.
    pub linger: Duration,
}

impl PoolLimits {
    /// Limits for a machine with so many cores: a thread each, but at most four, for argon2 is bound by memory bandwidth
    /// and the rest of the service wants its share. The queue takes hundreds of good keys presented at once for the first
    /// time (a run takes about 20 ms), and the patience is well below the time that a request has.
    #[must_use]
    pub fn for_cores(cores: NonZeroUsize) -> Self {
        const MOST: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
        Self {
            threads: cores.min(MOST),
            queue: 512,
            patience: Duration::from_secs(5),
            linger: Duration::from_secs(2),
        }
    }
}

/// Why a job gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PoolError {
    /// No room in the queue, or not in time.
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// The thread died over it, or none could be started. The log says which.
    Failed,
}

/// Runs argon2 apart from everything else, so that hashing can use up neither the request threads, nor tokio's blocking pool,
/// nor memory. One per process. Its threads start with the first job and leave, with their memory, when there is none.
pub struct Argon2Pool {
    workers: Arc<Workers>,
    limits: PoolLimits,
}

impl Argon2Pool {
    /// A pool without a thread yet. Its metrics exist from now on, at zero.
    #[must_use]
    pub fn new(limits: PoolLimits) -> Self {
        describe_counter!("billing_argon2_runs_total", "argon2 computations for API keys");
        describe_counter!(
            "billing_argon2_overloads_total",
            "API keys for which argon2 had no room, by cause"
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

    /// How many jobs have run: one for each argon2 computation, none for those that were refused or abandoned.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.workers.runs()
    }

    /// Runs `work` on one of the pool's threads with that thread's memory. Where the caller goes away before it has started,
    /// it never runs.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.workers
            .submit(Box::new(Request { work, reply }))
            .map_err(|_| overloaded(QUEUE_FULL))?;
        self.wait(answer).await
    }

    /// The same, where a thread is free this moment: nobody's key waits behind it for longer than a run. Else there is no room.
    pub(crate) async fn run_in_spare_time<T, F>(&self, work: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Memory) -> T + Send + 'static,
    {
        if !self.workers.has_spare_time() {
            return Err(PoolError::Overloaded { retry_after: RETRY_AFTER });
        }
        self.run(work).await
    }

    async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, PoolError> {
        match timeout(self.limits.patience, answer).await {
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
    tracing::debug!(cause, "no room for another argon2 run");
    PoolError::Overloaded { retry_after: RETRY_AFTER }
}

impl Drop for Argon2Pool {
    fn drop(&mut self) {
        // The threads are not waited for: this may run on a request thread, and they end within one run.
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

/// A piece of work, and who waits for it.
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
        // Nobody waits any more: the result is of no use to anybody else.
        let _ = self.reply.send(result);
    }
}

#[cfg(test)]
mod tests;
