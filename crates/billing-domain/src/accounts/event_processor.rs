//! [`EventProcessor`]: processes the inbox. An event only names the customer to refresh.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{Disposition, KeyGenerator, RepoError};
use crate::{
    BillingAccounts, ClaimedEvents, CustomerId, Deadline, EventSubject, InboxEvent, RefreshError,
    Timestamp,
};

/// Events claimed per batch.
const BATCH_SIZE: u32 = 200;
/// Lease duration. Another worker may claim the events afterwards.
const LEASE: Duration = Duration::from_secs(60);
/// Time limit for refreshing a customer, retries included. Must be shorter than the lease.
const BUDGET: Duration = Duration::from_secs(20);
/// Backoff after the first failure. It doubles with each failure.
const INITIAL_BACKOFF: Duration = Duration::from_secs(1);
/// Maximum backoff.
const MAX_BACKOFF: Duration = Duration::from_secs(600);
/// Minimum attempts before an event is dead-lettered.
const MIN_ATTEMPTS: u32 = 12;
/// Minimum age before an event is dead-lettered for a transient error. Stripe retries a delivery
/// for the same time (<https://docs.stripe.com/webhooks#automatic-retries>).
const MIN_AGE: Duration = Duration::from_secs(72 * 60 * 60);

/// Claims and applies events.
#[derive(Clone, Debug)]
pub struct EventProcessor {
    accounts: BillingAccounts,
    keys: Arc<dyn KeyGenerator>,
}

/// Claimed events with the same subject.
#[derive(Clone, Debug)]
pub struct EventBatch {
    subject: EventSubject,
    events: Vec<InboxEvent>,
    claimed: ClaimedEvents,
}

/// The result of processing a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessingOutcome {
    /// The events were applied.
    Applied,
    /// The events concern no customer of this service.
    Ignored,
    /// The events were rescheduled.
    Postponed,
    /// At least one event was dead-lettered.
    Dead,
    /// Another worker has claimed the events.
    Lost,
}

impl EventProcessor {
    /// Creates a processor for these accounts.
    #[must_use]
    pub fn new(accounts: BillingAccounts, keys: Arc<dyn KeyGenerator>) -> Self {
        Self { accounts, keys }
    }

    /// Claims due events and groups them by subject: a batch needs one reading. Batches are
    /// independent of each other.
    ///
    /// # Errors
    /// The store failed.
    pub async fn claim(&self) -> Result<Vec<EventBatch>, RepoError> {
        let token = self.keys.claim_token();
        let now = self.accounts.now();
        let inbox = &self.accounts.ports().inbox;
        let events =
            inbox.claim(self.accounts.account(), &token, BATCH_SIZE, now, now.plus(LEASE)).await?;

        let mut batches: Vec<EventBatch> = Vec::new();
        for event in events {
            let id = event.event.id.clone();
            match batches.iter_mut().find(|batch| batch.subject == event.event.subject) {
                Some(batch) => {
                    batch.claimed.events.push(id);
                    batch.events.push(event);
                }
                None => batches.push(EventBatch {
                    subject: event.event.subject.clone(),
                    events: vec![event],
                    claimed: ClaimedEvents { token: token.clone(), events: vec![id] },
                }),
            }
        }
        Ok(batches)
    }

    /// Processes a batch: refreshes the customer and settles the events in one transaction.
    ///
    /// # Errors
    /// The store failed. The events can be claimed again after the lease.
    pub async fn process(&self, batch: EventBatch) -> Result<ProcessingOutcome, RepoError> {
        match self.apply(&batch).await {
            Ok(true) => Ok(ProcessingOutcome::Applied),
            Ok(false) => {
                let ignored = Disposition::Ignored(self.accounts.now());
                let released = self.release(&batch, &batch.events, ignored).await?;
                Ok(if released == 0 { ProcessingOutcome::Lost } else { ProcessingOutcome::Ignored })
            }
            Err(RefreshError::ClaimLost) => Ok(ProcessingOutcome::Lost),
            Err(error) => self.reschedule(&batch, &error).await,
        }
    }

    /// Reschedules or dead-letters each event of a failed batch, by its own attempts and age.
    ///
    /// A replay resets the attempts, so an old event is retried as well.
    async fn reschedule(
        &self,
        batch: &EventBatch,
        error: &RefreshError,
    ) -> Result<ProcessingOutcome, RepoError> {
        let now = self.accounts.now();
        let is_old_enough =
            |event: &InboxEvent| !error.is_transient() || event.received.plus(MIN_AGE) <= now;
        let is_dead = |event: &InboxEvent| event.attempts >= MIN_ATTEMPTS && is_old_enough(event);
        let (dead, retried): (Vec<_>, Vec<_>) = batch.events.iter().cloned().partition(is_dead);

        let mut released = 0;
        // The shortest backoff counts for all, so that they stay in one batch.
        if let Some(attempts) = retried.iter().map(|event| event.attempts).min() {
            let retry_at = now.plus(backoff(attempts));
            let disposition = Disposition::Retry(retry_at, error.to_string());
            released += self.release(batch, &retried, disposition).await?;
        }
        let mut outcome = ProcessingOutcome::Postponed;
        if !dead.is_empty() {
            released +=
                self.release(batch, &dead, Disposition::Dead(now, error.to_string())).await?;
            outcome = ProcessingOutcome::Dead;
        }
        Ok(if released == 0 { ProcessingOutcome::Lost } else { outcome })
    }

    /// Applies a batch. Returns `false` if it concerns no customer of this service.
    async fn apply(&self, batch: &EventBatch) -> Result<bool, RefreshError> {
        let deadline = Deadline::after(BUDGET);
        let Some(customer) = self.customer(&batch.subject, deadline).await? else {
            return Ok(false);
        };
        self.accounts.refresh(&customer, Some(&batch.claimed), deadline).await?;
        Ok(true)
    }

    async fn customer(
        &self,
        subject: &EventSubject,
        deadline: Deadline,
    ) -> Result<Option<CustomerId>, RefreshError> {
        let ports = self.accounts.ports();
        match subject {
            EventSubject::Unrelated => Ok(None),
            EventSubject::Customer(customer) => Ok(Some(customer.clone())),
            EventSubject::Subscription(subscription) => {
                match ports.mirror.customer_of(self.accounts.account(), subscription).await? {
                    Some(customer) => Ok(Some(customer)),
                    None => Ok(ports.reader.customer_of(subscription, deadline).await?),
                }
            }
        }
    }

    async fn release(
        &self,
        batch: &EventBatch,
        events: &[InboxEvent],
        disposition: Disposition,
    ) -> Result<u64, RepoError> {
        let events = events.iter().map(|event| event.event.id.clone()).collect();
        let claimed = ClaimedEvents { token: batch.claimed.token.clone(), events };
        self.accounts.ports().inbox.release(self.accounts.account(), &claimed, &disposition).await
    }
}

impl EventBatch {
    /// Returns the number of events.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Returns the time when the oldest event was received.
    #[must_use]
    pub fn oldest_received(&self) -> Option<Timestamp> {
        self.events.iter().map(|event| event.received).min()
    }
}

/// Returns the backoff after this number of attempts.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    INITIAL_BACKOFF.saturating_mul(1 << doublings).min(MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_ten_minutes() {
        assert_eq!(
            [1, 2, 3, 10, 11, 400].map(|attempts| backoff(attempts).as_secs()),
            [1, 2, 4, 512, 600, 600]
        );
    }
}
