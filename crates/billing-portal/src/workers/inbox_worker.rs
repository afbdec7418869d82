//! [`InboxWorker`]: applies the provider's events from the inbox. Every replica runs one.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{Clock, EventInbox, RepoError};
use billing_domain::{EventBatch, EventProcessor, ProcessingOutcome, ProviderAccount, error_chain};
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
    pub(crate) account: ProviderAccount,
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
            let claimed = self.processor.claim().await;
            if let Err(error) = &claimed
                && !failing
            {
                tracing::warn!(
                    cause = error_chain(error),
                    "events cannot be claimed from the inbox"
                );
            }
            failing = claimed.is_err();
            if gauges_at <= Instant::now() {
                gauges_at = Instant::now() + GAUGES;
                self.set_gauges().await;
            }
            match claimed {
                Ok(batches) if !batches.is_empty() => self.process(batches).await,
                _ => tokio::select! {
                    () = self.new_events.notified(), if !failing => {}
                    () = sleep(POLL) => {}
                    () = drain.wait() => {}
                },
            }
        }
    }

    async fn process(&self, batches: Vec<EventBatch>) {
        let mut running = JoinSet::new();
        for batch in batches {
            if running.len() >= CONCURRENCY {
                running.join_next().await.into_iter().for_each(report_panic);
            }
            let (processor, clock) = (self.processor.clone(), Arc::clone(&self.clock));
            running.spawn(async move {
                let (events, received) = (batch.event_count(), batch.oldest_received());
                let outcome = processor.process(batch).await;
                report(&outcome, events);
                if let (Ok(ProcessingOutcome::Applied), Some(received)) = (outcome, received) {
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
        let Ok(counts) = self.inbox.counts(&self.account).await else { return };
        for (state, count) in [("pending", counts.pending), ("dead", counts.dead)] {
            metrics::gauge!("webhook_inbox_events", "state" => state)
                .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
    }
}

/// An event whose processing panics keeps its lease, and is retried afterwards like one that
/// failed.
fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(cause = %error, "an event could not be applied: this is a bug");
    }
}

/// Counts and logs the outcome of events.
fn report(result: &Result<ProcessingOutcome, RepoError>, events: usize) {
    let outcome = match result {
        Ok(ProcessingOutcome::Applied) => "applied",
        Ok(ProcessingOutcome::Ignored) => "ignored",
        Ok(ProcessingOutcome::Postponed) => "postponed",
        Ok(ProcessingOutcome::Dead) => "dead",
        Ok(ProcessingOutcome::Lost) => "lost",
        Err(_) => "failed",
    };
    metrics::counter!("webhook_events_total", "outcome" => outcome).increment(events as u64);
    match result {
        Ok(ProcessingOutcome::Applied | ProcessingOutcome::Ignored | ProcessingOutcome::Lost) => {
            tracing::debug!(outcome, events, "events processed")
        }
        Ok(ProcessingOutcome::Postponed) => {
            tracing::warn!(events, "events could not be applied, and are tried again")
        }
        Ok(ProcessingOutcome::Dead) => {
            tracing::error!(
                events,
                "events could not be applied: see `billing-portal webhooks list --state dead`"
            );
        }
        Err(error) => {
            tracing::warn!(
                events,
                cause = error_chain(error),
                "the outcome of events could not be stored"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use billing_domain::ports::{ProviderError, SubscriptionReader};
    use billing_domain::{
        AccountPorts, BillingAccounts, CustomerId, CustomerReading, Deadline, EventId, InboxEvent,
        InboxQuery, InboxState, InboxStatus, Mode, NamedOwner, SubscriptionId, Timestamp,
    };
    use billing_testkit::{FakeBillingAccountProvider, FixedClock, InMemoryBilling, samples};

    use super::*;
    use crate::wiring::key_generator::UuidKeys;

    const NOW: Duration = Duration::ZERO;
    const SECOND: Duration = Duration::from_secs(1);
    const SOON: Duration = Duration::from_secs(10);

    /// Reads customers. Each reading advances the clock by a second.
    #[derive(Debug)]
    struct Reader {
        provider: Arc<FakeBillingAccountProvider>,
        clock: Arc<FixedClock>,
        drain: Drain,
        /// The reading during which the drain begins, counted from one.
        drains_at: u64,
        panics_at: Option<u64>,
    }

    #[async_trait]
    impl SubscriptionReader for Reader {
        async fn customer(
            &self,
            customer: &CustomerId,
            deadline: Deadline,
        ) -> Result<CustomerReading, ProviderError> {
            let read = self.provider.customer(customer, deadline).await;
            self.clock.advance(SECOND);
            let readings = self.provider.calls();
            if readings == self.drains_at {
                self.drain.begin();
            }
            assert_ne!(Some(readings), self.panics_at, "intended panic");
            read
        }

        async fn customer_of(
            &self,
            subscription: &SubscriptionId,
            deadline: Deadline,
        ) -> Result<Option<CustomerId>, ProviderError> {
            self.provider.customer_of(subscription, deadline).await
        }
    }

    struct World {
        provider: Arc<FakeBillingAccountProvider>,
        stores: InMemoryBilling,
        clock: Arc<FixedClock>,
        drain: Drain,
        readiness: Arc<Readiness>,
        panics_at: Option<u64>,
    }

    fn world() -> World {
        let (clock, drain) = (Arc::new(FixedClock::at(Timestamp::from_seconds(1))), Drain::new());
        let readiness = Arc::new(Readiness::new(drain.clone(), clock.clone()));
        World {
            provider: Arc::new(FakeBillingAccountProvider::new()),
            stores: InMemoryBilling::default(),
            clock,
            drain,
            readiness,
            panics_at: None,
        }
    }

    fn account() -> ProviderAccount {
        samples::account("stripe", Mode::Test)
    }

    impl World {
        /// Accepts an event about a customer of its own, due after this delay.
        async fn accept(&self, delay: Duration) -> EventId {
            let (_, event) = self.provider.add_customer(NamedOwner::None, None);
            let due = self.clock.now().plus(delay);
            self.stores.inbox().accept(&account(), &event, due).await.unwrap();
            event.id
        }

        async fn event(&self, id: &EventId) -> InboxEvent {
            let query = InboxQuery { state: None, limit: 100 };
            let events = self.stores.inbox().list(&account(), &query).await.unwrap();
            events.into_iter().find(|event| event.event.id == *id).unwrap()
        }

        async fn status(&self, id: &EventId) -> InboxStatus {
            self.event(id).await.state.parts().0
        }

        /// Runs a worker until it ends by itself. The drain begins during this reading.
        async fn run_until_reading(&self, drains_at: u64) {
            let reader = Reader {
                provider: self.provider.clone(),
                clock: self.clock.clone(),
                drain: self.drain.clone(),
                drains_at,
                panics_at: self.panics_at,
            };
            let ports = AccountPorts {
                reader: Arc::new(reader),
                mirror: self.stores.mirror(),
                customers: self.stores.customers(),
                claims: self.stores.claims(),
                inbox: self.stores.inbox(),
                clock: self.clock.clone(),
            };
            let accounts = BillingAccounts::new(account(), ports);
            let worker = InboxWorker {
                processor: EventProcessor::new(accounts, Arc::new(UuidKeys)),
                inbox: self.stores.inbox(),
                account: account(),
                new_events: Arc::default(),
                readiness: self.readiness.clone(),
                clock: self.clock.clone(),
            };
            let run = worker.run(self.drain.clone());
            tokio::time::timeout(SOON, run).await.expect("the worker ends when the drain begins");
        }
    }

    #[tokio::test]
    async fn drain_during_a_batch_ends_the_worker_after_the_whole_batch() {
        let world = world();
        let mut batch = Vec::new();
        for _ in 0..CONCURRENCY + 2 {
            batch.push(world.accept(NOW).await);
        }
        let later = world.accept(SECOND).await;
        world.readiness.observe(true, true);
        world.run_until_reading(1).await;
        for event in &batch {
            assert_eq!(world.status(event).await, InboxStatus::Applied);
        }
        let later = world.event(&later).await;
        assert_eq!((later.state.parts().0, later.attempts), (InboxStatus::Pending, 0));
    }

    #[tokio::test]
    async fn drain_before_readiness_ends_the_worker_without_a_claim() {
        let world = world();
        let event = world.accept(NOW).await;
        world.drain.begin();
        world.run_until_reading(1).await;
        assert_eq!(world.event(&event).await.attempts, 0);
        assert_eq!(world.provider.calls(), 0);
    }

    #[tokio::test]
    async fn failed_event_is_postponed_and_the_next_one_is_applied() {
        let world = world();
        let (failing, next) = (world.accept(NOW).await, world.accept(SECOND).await);
        world.provider.fail_next(ProviderError::Timeout { context: "no answer".to_owned() });
        world.readiness.observe(true, true);
        world.run_until_reading(2).await;
        assert_eq!(world.status(&next).await, InboxStatus::Applied);
        let failing = world.event(&failing).await;
        assert_eq!(failing.state, InboxState::Pending(Timestamp::from_seconds(3)));
        assert!(failing.error.is_some_and(|error| error.contains("no answer")));
    }

    #[tokio::test]
    async fn failed_event_is_applied_by_its_retry() {
        let world = world();
        let (failing, _) = (world.accept(NOW).await, world.accept(SECOND).await);
        world.provider.fail_next(ProviderError::Timeout { context: "no answer".to_owned() });
        world.readiness.observe(true, true);
        world.run_until_reading(3).await;
        let event = world.event(&failing).await;
        assert_eq!((event.state.parts().0, event.attempts), (InboxStatus::Applied, 2));
    }

    #[tokio::test]
    async fn event_whose_processing_panics_is_kept_and_the_next_one_is_applied() {
        let world = World { panics_at: Some(1), ..world() };
        let (panicking, next) = (world.accept(NOW).await, world.accept(SECOND).await);
        world.readiness.observe(true, true);
        world.run_until_reading(2).await;
        assert_eq!(world.status(&panicking).await, InboxStatus::Pending);
        assert_eq!(world.status(&next).await, InboxStatus::Applied);
    }
}
