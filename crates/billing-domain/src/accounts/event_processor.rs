//! [`EventProcessor`]: works the inbox off. An event says whom to ask the provider about, and nothing else.

use std::time::Duration;

use crate::ports::{Disposition, KeyGenerator, RepoError};
use crate::{
    BillingAccounts, ClaimedEvents, CustomerId, Deadline, EventSubject, InboxEvent, RefreshError,
    Timestamp,
};
use std::sync::Arc;

/// So many events are taken at once.
const BATCH: u32 = 200;
/// For so long they are this process's. Somebody else's after that, should it die.
const LEASE: Duration = Duration::from_secs(60);
/// So long a customer's reading may take, retries included; well within the lease.
const BUDGET: Duration = Duration::from_secs(20);
/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// So often an event is tried at least.
const ATTEMPTS: u32 = 12;
/// For so long it is tried at least during an outage: as long as Stripe delivers one
/// (<https://docs.stripe.com/webhooks#automatic-retries>).
const PATIENCE: Duration = Duration::from_secs(72 * 60 * 60);

/// Applies events.
#[derive(Clone, Debug)]
pub struct EventProcessor {
    accounts: BillingAccounts,
    keys: Arc<dyn KeyGenerator>,
}

/// Events about one customer, handed to this process for a while.
#[derive(Clone, Debug)]
pub struct EventBatch {
    subject: EventSubject,
    events: Vec<InboxEvent>,
    claimed: ClaimedEvents,
}

/// What became of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessingOutcome {
    /// They are applied.
    Applied,
    /// They are about nobody that counts here.
    Ignored,
    /// They are tried again later.
    Postponed,
    /// They wait for an operator, or at least one of them does.
    Dead,
    /// Somebody else has them by now.
    Lost,
}

impl EventProcessor {
    /// A processor of these accounts' events.
    #[must_use]
    pub fn new(accounts: BillingAccounts, keys: Arc<dyn KeyGenerator>) -> Self {
        Self { accounts, keys }
    }

    /// Takes events that are due, in one piece per customer: however many events there are about it, it is read once. Pieces
    /// may be done in any order, and at once.
    ///
    /// # Errors
    /// The store failed.
    pub async fn claim(&self) -> Result<Vec<EventBatch>, RepoError> {
        let (token, now) = (self.keys.claim_token(), self.accounts.now());
        let inbox = &self.accounts.ports().inbox;
        let events =
            inbox.claim(self.accounts.account(), &token, BATCH, now, now.plus(LEASE)).await?;
        let mut works: Vec<EventBatch> = Vec::new();
        for event in events {
            let id = event.event.id.clone();
            match works.iter_mut().find(|work| work.subject == event.event.subject) {
                Some(work) => {
                    work.claimed.events.push(id);
                    work.events.push(event);
                }
                None => works.push(EventBatch {
                    subject: event.event.subject.clone(),
                    events: vec![event],
                    claimed: ClaimedEvents { token: token.clone(), events: vec![id] },
                }),
            }
        }
        Ok(works)
    }

    /// Does a piece of work: asks the provider about the customer, writes what it says, and settles the events with it.
    ///
    /// # Errors
    /// The store failed; the events are handed out again later.
    pub async fn process(&self, work: EventBatch) -> Result<ProcessingOutcome, RepoError> {
        match self.apply(&work).await {
            Ok(true) => Ok(ProcessingOutcome::Applied),
            Ok(false) => {
                let released = self
                    .release(&work, &work.events, Disposition::Ignored(self.accounts.now()))
                    .await?;
                Ok(if released == 0 { ProcessingOutcome::Lost } else { ProcessingOutcome::Ignored })
            }
            Err(RefreshError::ClaimLost) => Ok(ProcessingOutcome::Lost),
            Err(error) => self.reschedule(&work, &error).await,
        }
    }

    /// Each event has a fate of its own: one that came a moment ago is no dead letter because an old one about the same customer
    /// is. What is replayed gets its attempts anew, however old it is.
    async fn reschedule(
        &self,
        work: &EventBatch,
        error: &RefreshError,
    ) -> Result<ProcessingOutcome, RepoError> {
        let now = self.accounts.now();
        let was_patient =
            |event: &InboxEvent| !error.is_transient() || event.received.plus(PATIENCE) <= now;
        let is_hopeless = |event: &InboxEvent| event.attempts >= ATTEMPTS && was_patient(event);
        let (dead, others): (Vec<_>, Vec<_>) = work.events.iter().cloned().partition(is_hopeless);
        let mut released = 0;
        // They are tried together again, as soon as the first of them is.
        if let Some(tries) = others.iter().map(|event| event.attempts).min() {
            let disposition = Disposition::Retry(now.plus(pause(tries)), error.to_string());
            released += self.release(work, &others, disposition).await?;
        }
        let mut worked = ProcessingOutcome::Postponed;
        if !dead.is_empty() {
            released +=
                self.release(work, &dead, Disposition::Dead(now, error.to_string())).await?;
            worked = ProcessingOutcome::Dead;
        }
        Ok(if released == 0 { ProcessingOutcome::Lost } else { worked })
    }

    /// Whether the events are applied now; `false` where they are about nobody.
    async fn apply(&self, work: &EventBatch) -> Result<bool, RefreshError> {
        let deadline = Deadline::after(BUDGET);
        let Some(customer) = self.customer(&work.subject, deadline).await? else {
            return Ok(false);
        };
        self.accounts.refresh(&customer, Some(&work.claimed), deadline).await?;
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
        work: &EventBatch,
        events: &[InboxEvent],
        disposition: Disposition,
    ) -> Result<u64, RepoError> {
        let events = events.iter().map(|event| event.event.id.clone()).collect();
        let claimed = ClaimedEvents { token: work.claimed.token.clone(), events };
        self.accounts.ports().inbox.release(self.accounts.account(), &claimed, &disposition).await
    }
}

impl EventBatch {
    /// How many events it is about.
    #[must_use]
    pub fn event_count(&self) -> usize {
        self.events.len()
    }

    /// When the first of them was received.
    #[must_use]
    pub fn oldest_received(&self) -> Option<Timestamp> {
        self.events.iter().map(|event| event.received).min()
    }
}

/// How long to wait after so many tries.
fn pause(tries: u32) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        assert_eq!(
            [1, 2, 3, 10, 11, 400].map(|tries| pause(tries).as_secs()),
            [1, 2, 4, 512, 600, 600]
        );
    }
}
