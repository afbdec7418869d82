//! Webhook deliveries: posts each event, signed, to the subscribed endpoints, with retries.

pub(crate) mod address;
mod default_endpoint;
mod post;
mod queue;
mod request;
mod rules;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use self::default_endpoint::upsert as upsert_default_endpoint;
use self::post::{Client, client};
use self::queue::{Done, Queue, Round};
use self::request::OutgoingEvent;
pub(crate) use self::rules::{Fault, Rule, matches};
use crate::model::{Delivery, DeliveryState};
use crate::settings::WebhookSettings;
use crate::store::Store;
use crate::transaction::Transaction;

/// Interval for applying the passing of time, which can create events without any request.
const TICK: Duration = Duration::from_secs(1);

/// Time limit for deliveries in progress at shutdown.
const GRACE: Duration = Duration::from_secs(1);

/// Maximum pending rules; our limit.
pub(crate) const MAX_RULES: usize = 100;

/// The delivery worker's state.
#[derive(Debug)]
pub(crate) struct Webhooks {
    store: Arc<Store>,
    settings: WebhookSettings,
    queue: Mutex<Queue>,
    /// Notified when held deliveries are released.
    released: Notify,
}

/// The maximum number of rules is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyRules;

impl Webhooks {
    pub(crate) fn new(store: Arc<Store>, settings: WebhookSettings) -> Self {
        Self { store, settings, queue: Mutex::default(), released: Notify::new() }
    }

    /// Delivers until `stop` completes or is dropped, plus a grace period for deliveries in
    /// progress. The next run on the same state continues with the pending deliveries.
    pub(crate) async fn run(self: Arc<Self>, mut stop: oneshot::Receiver<()>) {
        let client = client();
        let mut rounds = JoinSet::new();
        loop {
            let now = Instant::now();
            let (due, next) = {
                let mut queue = self.lock();
                self.accept(&mut queue);
                queue.due(now)
            };
            let tick = now + TICK;
            let next = next.map_or(tick, |next| next.min(tick));
            for round in due {
                rounds.spawn(Arc::clone(&self).run_round(client.clone(), round));
            }
            tokio::select! {
                () = self.store.outgoing() => {}
                () = self.released.notified() => {}
                Some(Ok(done)) = rounds.join_next() => self.lock().finish(done, Instant::now()),
                () = tokio::time::sleep_until(next) => {}
                _ = &mut stop => break,
            }
        }
        let all_gone = async { while rounds.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all_gone).await.is_err() {
            tracing::debug!(deliveries = rounds.len(), "leaving deliveries to the next run");
        }
    }

    /// Adds a rule for future deliveries.
    pub(crate) fn add_rule(&self, rule: Rule) -> Result<Rule, TooManyRules> {
        let mut queue = self.lock();
        // The rule must not apply to deliveries created earlier, even if they are not queued yet.
        self.accept(&mut queue);
        queue.rules.add(rule)
    }

    /// Returns the pending rules.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let mut queue = self.lock();
        self.accept(&mut queue);
        queue.rules.all()
    }

    /// Deletes the rules, releases the deliveries that they hold, and returns the number of rules.
    pub(crate) fn forget_rules(&self) -> usize {
        let mut queue = self.lock();
        self.accept(&mut queue);
        let forgotten = queue.forget_rules();
        drop(queue);
        self.released.notify_one();
        forgotten
    }

    fn accept(&self, queue: &mut Queue) {
        let lost = self.store.read(|state| queue.accept(state, Instant::now()));
        for id in lost {
            self.record(id, |delivery| delivery.state = DeliveryState::Lost);
        }
    }

    /// Attempts the round's deliveries one after the other.
    async fn run_round(self: Arc<Self>, client: Client, round: Round) -> Done {
        let mut retries = Vec::new();
        for mut attempt in round.attempts {
            if !self
                .attempt(&client, attempt.id, attempt.attempts_made + 1 >= self.settings.attempts)
                .await
            {
                attempt.attempts_made += 1;
                retries.push((self.settings.backoff_after(attempt.attempts_made), attempt));
            }
        }
        Done { endpoint: round.endpoint, retries }
    }

    /// Attempts a delivery and returns whether it is finished.
    async fn attempt(&self, client: &Client, id: u64, is_last: bool) -> bool {
        let request = match self.store.read(|state| OutgoingEvent::find(state, id)) {
            Some(found) => found.write(),
            None => return self.record(id, |delivery| delivery.state = DeliveryState::Dropped),
        };
        let sent = post::post(client, request, self.settings.timeout).await;
        if let Err(error) = &sent {
            tracing::debug!(delivery = id, %error, "a delivery failed");
        }
        let delivered = sent.is_ok();
        let recorded = self.record(id, |delivery| {
            delivery.attempts = delivery.attempts.saturating_add(1);
            (delivery.last_status, delivery.last_error) = match sent {
                Ok(status) => (Some(status), None),
                Err(error) => (error.status(), Some(error.to_string())),
            };
            if delivered {
                delivery.state = DeliveryState::Delivered;
            } else if is_last && delivery.is_pending() {
                delivery.state = DeliveryState::Failed;
            }
        });
        recorded && (delivered || is_last)
    }

    /// Records the result of an attempt and returns whether it was stored.
    fn record(&self, id: u64, change: impl FnOnce(&mut Delivery)) -> bool {
        let record = |transaction: &mut Transaction<'_>| {
            if let Some(delivery) = transaction.state().deliveries.get(id) {
                let mut delivery = delivery.clone();
                change(&mut delivery);
                transaction.put(delivery);
            }
            Ok::<_, std::io::Error>(())
        };
        let recorded = self.store.transact(record);
        if let Err(error) = &recorded {
            tracing::error!(%error, delivery = id, "recording the result of a delivery failed");
        }
        recorded.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
