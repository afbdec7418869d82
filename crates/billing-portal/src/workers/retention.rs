//! [`Retention`]: deletes records past their retention once a minute.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::error_chain;
use billing_domain::ports::{AuditLog, CheckoutRequests, Clock, EventInbox};
use tokio::time::MissedTickBehavior;

const INTERVAL: Duration = Duration::from_secs(60);
/// Retention of applied events (30 days), the same as Stripe's own
/// (<https://docs.stripe.com/api/events>).
const EVENTS: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Retention of `Idempotency-Key`s (24 h), the least that Stripe guarantees for its own.
const CHECKOUTS: Duration = Duration::from_secs(24 * 60 * 60);

/// Deletes old audit records, events and checkout requests.
#[derive(Debug)]
pub(crate) struct Retention {
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) inbox: Arc<dyn EventInbox>,
    pub(crate) checkouts: Arc<dyn CheckoutRequests>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Retention of audit records; `None` keeps them permanently.
    pub(crate) audit_retention: Option<Duration>,
}

impl Retention {
    /// Runs until it is cancelled.
    pub(crate) async fn run(self) {
        let mut tick = tokio::time::interval(INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.prune().await;
        }
    }

    async fn prune(&self) {
        let now = self.clock.now();
        let events = self.inbox.prune(now.minus(EVENTS)).await;
        let checkouts = self.checkouts.prune(now.minus(CHECKOUTS)).await;
        for failed in [events.err(), checkouts.err()].into_iter().flatten() {
            tracing::debug!(
                cause = error_chain(&failed),
                "old events or checkouts were not deleted"
            );
        }
        let Some(retention) = self.audit_retention else { return };
        match self.audit.prune(now.minus(retention)).await {
            Ok(0) => {}
            Ok(records) => {
                tracing::info!(records, "audit records past their retention were deleted")
            }
            Err(error) => {
                tracing::warn!(cause = error_chain(&error), "the audit log was not pruned")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use billing_domain::ports::{CheckoutRequest, Disposition};
    use billing_domain::{InboxQuery, Mode, Timestamp};
    use billing_testkit::{FixedClock, InMemoryBilling, Reachability, samples};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const MOMENT: Duration = Duration::from_millis(1);

    fn retention() -> (Retention, InMemoryBilling, Arc<FixedClock>) {
        let stores = InMemoryBilling::with(Reachability::default());
        let clock = Arc::new(FixedClock::at(Timestamp::from_seconds(0)));
        let retention = Retention {
            audit: stores.audit(),
            inbox: stores.inbox(),
            checkouts: stores.checkouts(),
            clock: clock.clone(),
            audit_retention: None,
        };
        (retention, stores, clock)
    }

    #[tokio::test]
    async fn audit_records_are_deleted_only_past_a_configured_retention() {
        let (mut retention, stores, clock) = retention();
        let event = samples::audit_event(&samples::user("u"), clock.now());
        AuditLog::append(stores.audit().as_ref(), &event).await.unwrap();
        clock.advance(2 * DAY);
        retention.prune().await;
        assert_eq!(stores.audit().events().len(), 1);
        retention.audit_retention = Some(3 * DAY);
        retention.prune().await;
        assert_eq!(stores.audit().events().len(), 1);
        clock.advance(2 * DAY);
        retention.prune().await;
        assert!(stores.audit().events().is_empty());
    }

    #[tokio::test]
    async fn settled_events_are_deleted_after_30_days() {
        let (retention, stores, clock) = retention();
        let (inbox, account) = (stores.inbox(), samples::account("stripe", Mode::Test));
        let (now, token) = (clock.now(), samples::token("t"));
        for id in ["evt_settled", "evt_pending"] {
            let event = samples::provider_event(id, &samples::customer("cus_1"), now);
            inbox.accept(&account, &event, now).await.unwrap();
        }
        inbox.claim(&account, &token, 2, now, now.plus(DAY)).await.unwrap();
        let settled = samples::claimed("t", &["evt_settled"]);
        inbox.release(&account, &settled, &Disposition::Ignored(now)).await.unwrap();
        for (step, left) in [(30 * DAY, 2), (MOMENT, 1)] {
            clock.advance(step);
            retention.prune().await;
            let query = InboxQuery { state: None, limit: 9 };
            assert_eq!(inbox.list(&account, &query).await.unwrap().len(), left);
        }
    }

    #[tokio::test]
    async fn checkout_requests_are_deleted_after_24_hours() {
        let (retention, stores, clock) = retention();
        let (checkouts, account) = (stores.checkouts(), samples::account("stripe", Mode::Test));
        let first = samples::checkout_request(&samples::user("u"), &account, "key");
        checkouts.begin(&first, clock.now()).await.unwrap();
        let second = CheckoutRequest { content: "another plan".to_owned(), ..first.clone() };
        for (step, known) in [(DAY, &first), (MOMENT, &second)] {
            clock.advance(step);
            retention.prune().await;
            let remembered = checkouts.begin(&second, clock.now()).await.unwrap();
            assert_eq!(remembered.content, known.content);
        }
    }
}
