//! [`EventProcessor`]: works the inbox off. An event says whom to ask the provider about, and nothing else.

use std::time::Duration;

use crate::ports::{Fate, FreshKeys, RepoError};
use crate::{BillingAccounts, Claimed, CustomerId, Deadline, EventSubject, InboxEvent, RefreshError, Timestamp};
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
/// So often something is tried that fails for another reason than an outage.
const ATTEMPTS: u32 = 12;
/// For so long an event is tried during an outage: as long as Stripe delivers one
/// (<https://docs.stripe.com/webhooks#automatic-retries>).
const PATIENCE: Duration = Duration::from_secs(72 * 60 * 60);

/// Applies events.
#[derive(Clone, Debug)]
pub struct EventProcessor {
    accounts: BillingAccounts,
    keys: Arc<dyn FreshKeys>,
}

/// Events about one customer, handed to this process for a while.
#[derive(Clone, Debug)]
pub struct Work {
    subject: EventSubject,
    events: Vec<InboxEvent>,
    claimed: Claimed,
}

/// What became of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worked {
    /// They are applied.
    Applied,
    /// They are about nobody that counts here.
    Ignored,
    /// They are tried again later.
    Postponed,
    /// They wait for an operator.
    Dead,
    /// Somebody else has them by now.
    Lost,
}

impl EventProcessor {
    /// A processor of these accounts' events.
    #[must_use]
    pub fn new(accounts: BillingAccounts, keys: Arc<dyn FreshKeys>) -> Self {
        Self { accounts, keys }
    }

    /// Takes events that are due, in one piece per customer: however many events there are about it, it is read once. Pieces
    /// may be done in any order, and at once.
    ///
    /// # Errors
    /// The store failed.
    pub async fn take(&self) -> Result<Vec<Work>, RepoError> {
        let (token, now) = (self.keys.claim_token(), self.accounts.now());
        let inbox = &self.accounts.ports().inbox;
        let events = inbox.claim(self.accounts.account(), &token, BATCH, now, now.plus(LEASE)).await?;
        let mut works: Vec<Work> = Vec::new();
        for event in events {
            let id = event.event.id.clone();
            match works.iter_mut().find(|work| work.subject == event.event.subject) {
                Some(work) => {
                    work.claimed.events.push(id);
                    work.events.push(event);
                }
                None => works.push(Work {
                    subject: event.event.subject.clone(),
                    events: vec![event],
                    claimed: Claimed { token: token.clone(), events: vec![id] },
                }),
            }
        }
        Ok(works)
    }

    /// Does a piece of work: asks the provider about the customer, writes what it says, and settles the events with it.
    ///
    /// # Errors
    /// The store failed; the events are handed out again later.
    pub async fn work(&self, work: Work) -> Result<Worked, RepoError> {
        match self.apply(&work).await {
            Ok(true) => Ok(Worked::Applied),
            Ok(false) => self.release(&work, Fate::Ignored(self.accounts.now()), Worked::Ignored).await,
            Err(RefreshError::ClaimLost) => Ok(Worked::Lost),
            Err(error) => {
                let now = self.accounts.now();
                let tries = work.events.iter().map(|event| event.attempts).max().unwrap_or(1);
                let since = work.events.iter().map(|event| event.received).min().unwrap_or(now);
                let text = error.to_string();
                let hopeless = if error.is_transient() { since.plus(PATIENCE) <= now } else { tries >= ATTEMPTS };
                let (fate, worked) = if hopeless {
                    (Fate::Dead(now, text), Worked::Dead)
                } else {
                    (Fate::Again(now.plus(pause(tries)), text), Worked::Postponed)
                };
                self.release(&work, fate, worked).await
            }
        }
    }

    /// Whether the events are applied now; `false` where they are about nobody.
    async fn apply(&self, work: &Work) -> Result<bool, RefreshError> {
        let deadline = Deadline::after(BUDGET);
        let Some(customer) = self.customer(&work.subject, deadline).await? else { return Ok(false) };
        self.accounts.refresh(&customer, Some(&work.claimed), deadline).await?;
        Ok(true)
    }

    async fn customer(&self, subject: &EventSubject, deadline: Deadline) -> Result<Option<CustomerId>, RefreshError> {
        let ports = self.accounts.ports();
        match subject {
            EventSubject::Nobody => Ok(None),
            EventSubject::Customer(customer) => Ok(Some(customer.clone())),
            EventSubject::Subscription(subscription) => {
                match ports.mirror.holder(self.accounts.account(), subscription).await? {
                    Some(customer) => Ok(Some(customer)),
                    None => Ok(ports.reader.holder(subscription, deadline).await?),
                }
            }
        }
    }

    async fn release(&self, work: &Work, fate: Fate, worked: Worked) -> Result<Worked, RepoError> {
        let released = self.accounts.ports().inbox.release(self.accounts.account(), &work.claimed, &fate).await?;
        Ok(if released == 0 { Worked::Lost } else { worked })
    }
}

impl Work {
    /// How many events it is about.
    #[must_use]
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// When the first of them was received.
    #[must_use]
    pub fn received(&self) -> Option<Timestamp> {
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
        assert_eq!([1, 2, 3, 10, 11, 400].map(|tries| pause(tries).as_secs()), [1, 2, 4, 512, 600, 600]);
    }
}
