//! [`InboxWorker`]: applies the provider's events from the inbox. Every replica runs one.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{Clock, EventInbox, RepoError};
use billing_domain::{EventProcessor, ProviderAccount, Work, Worked, error_chain};
use http_edge::Drain;
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use crate::readiness::Readiness;

/// How often the inbox is polled for events that other replicas accepted and for retries.
const POLL: Duration = Duration::from_secs(1);
/// Customers read from the provider concurrently.
const CONCURRENCY: usize = 8;
/// How often the gauges are updated.
const GAUGES: Duration = Duration::from_secs(10);

/// Applies events of one provider account.
#[derive(Debug)]
pub(crate) struct InboxWorker {
    pub(crate) processor: EventProcessor,
    pub(crate) inbox: Arc<dyn EventInbox>,
    pub(crate) at: ProviderAccount,
    pub(crate) new_events: Arc<Notify>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl InboxWorker {
    /// Runs until the drain begins, and finishes the events that it has claimed.
    pub(crate) async fn run(self, drain: Drain) {
        tokio::select! {
            () = self.readiness.wait_until_ready() => {}
            () = drain.wait() => return,
        }
        let (mut failing, mut gauges_at) = (false, Instant::now());
        while !drain.is_draining() {
            let taken = self.processor.take().await;
            if let Err(error) = &taken
                && !failing
            {
                tracing::warn!(cause = error_chain(error), "the inbox cannot be worked off");
            }
            failing = taken.is_err();
            if gauges_at <= Instant::now() {
                gauges_at = Instant::now() + GAUGES;
                self.set_gauges().await;
            }
            match taken {
                Ok(works) if !works.is_empty() => self.process(works).await,
                _ => tokio::select! {
                    () = self.new_events.notified(), if !failing => {}
                    () = sleep(POLL) => {}
                    () = drain.wait() => {}
                },
            }
        }
    }

    async fn process(&self, works: Vec<Work>) {
        let mut running = JoinSet::new();
        for work in works {
            if running.len() >= CONCURRENCY {
                running.join_next().await.into_iter().for_each(report_panic);
            }
            let (processor, clock) = (self.processor.clone(), Arc::clone(&self.clock));
            running.spawn(async move {
                let (events, received) = (work.events(), work.received());
                let worked = processor.work(work).await;
                report(&worked, events);
                if let (Ok(Worked::Applied), Some(received)) = (worked, received) {
                    let waited = clock.now().as_millis().saturating_sub(received.as_millis());
                    let waited = Duration::from_millis(u64::try_from(waited).unwrap_or_default());
                    metrics::histogram!("webhook_event_delay_seconds").record(waited.as_secs_f64());
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            report_panic(ended);
        }
    }

    async fn set_gauges(&self) {
        let Ok(counts) = self.inbox.counts(&self.at).await else { return };
        for (state, count) in [("pending", counts.pending), ("dead", counts.dead)] {
            metrics::gauge!("webhook_inbox_events", "state" => state)
                .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
    }
}

/// An event whose processing panics keeps its lease, and is retried afterwards like one that failed.
fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(cause = %error, "an event could not be applied: this is a bug");
    }
}

/// Counts and logs the outcome of events.
fn report(worked: &Result<Worked, RepoError>, events: usize) {
    let outcome = match worked {
        Ok(Worked::Applied) => "applied",
        Ok(Worked::Ignored) => "ignored",
        Ok(Worked::Postponed) => "postponed",
        Ok(Worked::Dead) => "dead",
        Ok(Worked::Lost) => "lost",
        Err(_) => "failed",
    };
    metrics::counter!("webhook_events_total", "outcome" => outcome).increment(events as u64);
    match worked {
        Ok(Worked::Applied | Worked::Ignored | Worked::Lost) => {
            tracing::debug!(outcome, events, "events worked off")
        }
        Ok(Worked::Postponed) => {
            tracing::warn!(events, "events could not be applied, and are tried again")
        }
        Ok(Worked::Dead) => {
            tracing::error!(
                events,
                "events could not be applied: see `billing-portal webhooks list --state dead`"
            );
        }
        Err(error) => {
            tracing::warn!(events, cause = error_chain(error), "events could not be settled")
        }
    }
}
