//! Deliveries: every event that an endpoint asks for is posted to it, signed, until it takes it.

pub(crate) mod address;
mod default_endpoint;
mod letter;
mod post;
mod queue;
mod rules;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(crate) use self::default_endpoint::settle as settle_default_endpoint;
use self::letter::Letter;
use self::post::{Client, client};
use self::queue::{Done, Queue, Round};
pub(crate) use self::rules::{Fault, Rule, matches};
use crate::model::{Delivery, DeliveryState};
use crate::settings::WebhookSettings;
use crate::store::Store;
use crate::transaction::Transaction;

/// Time passes also where nobody calls: so often somebody looks whether it has done something that is to be delivered.
const TICK: Duration = Duration::from_secs(1);

/// How long the last deliveries may take once the end has come.
const GRACE: Duration = Duration::from_secs(1);

/// More rules than any test needs.
pub(crate) const MOST_RULES: usize = 100;

/// What is to be delivered, and how.
#[derive(Debug)]
pub(crate) struct Webhooks {
    store: Arc<Store>,
    settings: WebhookSettings,
    queue: Mutex<Queue>,
    /// Told when something that was held back is to go.
    released: Notify,
}

/// There are as many rules as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyRules;

impl Webhooks {
    pub(crate) fn new(store: Arc<Store>, settings: WebhookSettings) -> Self {
        Self { store, settings, queue: Mutex::default(), released: Notify::new() }
    }

    /// Delivers until `stop` is done or dropped, and a little longer where a delivery is under way. What is not
    /// delivered by then is delivered by the next run on the same state.
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
                rounds.spawn(Arc::clone(&self).go(client.clone(), round));
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
            tracing::debug!(deliveries = rounds.len(), "deliveries are left to the next run");
        }
    }

    /// Adds a rule; it meets what is made from now on.
    pub(crate) fn add_rule(&self, rule: Rule) -> Result<Rule, TooManyRules> {
        let mut queue = self.lock();
        // What was made before is none of the rule's business, even where nobody has looked at it yet.
        self.accept(&mut queue);
        queue.rules.add(rule)
    }

    /// The rules that are still to meet deliveries.
    pub(crate) fn rules(&self) -> Vec<Rule> {
        let mut queue = self.lock();
        self.accept(&mut queue);
        queue.rules.all()
    }

    /// Forgets the rules, and lets go what they hold back; gives how many there were.
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
            self.note(id, |delivery| delivery.state = DeliveryState::Lost);
        }
    }

    /// Tries some deliveries, each when the one before it was tried.
    async fn go(self: Arc<Self>, client: Client, round: Round) -> Done {
        let mut again = Vec::new();
        for mut attempt in round.attempts {
            if !self.attempt(&client, attempt.id, attempt.tries + 1 >= self.settings.attempts).await
            {
                attempt.tries += 1;
                again.push((self.settings.pause_after(attempt.tries), attempt));
            }
        }
        Done { endpoint: round.endpoint, again }
    }

    /// Tries a delivery; gives whether it is done with.
    async fn attempt(&self, client: &Client, id: u64, is_last: bool) -> bool {
        let letter = match self.store.read(|state| Letter::find(state, id)) {
            Some(found) => found.write(),
            None => return self.note(id, |delivery| delivery.state = DeliveryState::Dropped),
        };
        let sent = post::post(client, letter, self.settings.timeout).await;
        if let Err(error) = &sent {
            tracing::debug!(delivery = id, %error, "a delivery failed");
        }
        let delivered = sent.is_ok();
        let noted = self.note(id, |delivery| {
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
        noted && (delivered || is_last)
    }

    /// Notes how a delivery went; gives whether that is kept.
    fn note(&self, id: u64, change: impl FnOnce(&mut Delivery)) -> bool {
        let note = |transaction: &mut Transaction<'_>| {
            if let Some(delivery) = transaction.state().deliveries.get(id) {
                let mut delivery = delivery.clone();
                change(&mut delivery);
                transaction.put(delivery);
            }
            Ok::<_, std::io::Error>(())
        };
        let noted = self.store.transact(note);
        if let Err(error) = &noted {
            tracing::error!(%error, delivery = id, "the sandbox cannot note how a delivery went");
        }
        noted.is_ok()
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
