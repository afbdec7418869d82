//! What goes on behind the requests: the database is watched, denials are written down, old audit records leave.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api_http::problem;
use api_http::readiness::Readiness;
use auth_api_key::{Gate, PepperFit};
use auth_jwt::JwtAuthenticator;
use billing_domain::DenialCounter;
use billing_domain::ports::{Clock, RepoError, SchemaState};
use http_edge::Drain;
use tokio::time::MissedTickBehavior;

use crate::wiring::store::Stores;

/// How often the database and the keys are looked for.
const CHECK: Duration = Duration::from_secs(1);
/// How often denials are written down, and old records looked for.
const MINUTE: Duration = Duration::from_secs(60);
/// For so long events stay in the inbox that were applied: as long as Stripe lists its own
/// (<https://docs.stripe.com/api/events>).
const EVENTS_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// For so long an `Idempotency-Key` is remembered: as long as Stripe is sure to remember ours.
const KEYS_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Wrong configuration, as `EX_CONFIG` of sysexits.h says it.
const WRONG_CONFIGURATION: i32 = 78;

/// What the background tasks work on.
#[derive(Clone, Debug)]
pub(crate) struct Upkeep {
    pub(crate) stores: Stores,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) tokens: Arc<JwtAuthenticator>,
    pub(crate) gate: Arc<Mutex<Gate>>,
    pub(crate) auto_migrate: bool,
    pub(crate) denials: Arc<DenialCounter>,
    pub(crate) retention: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Upkeep {
    /// Until the database fits: looks for it, and migrates it where that is allowed. From then on: tells whether it is there.
    pub(crate) async fn watch(self) {
        let mut tick = tokio::time::interval(CHECK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut last, mut pepper_is_judged) = (String::new(), false);
        loop {
            tick.tick().await;
            let news = match self.reach(&mut pepper_is_judged).await {
                Ok(state) if state.fits() => String::new(),
                Ok(_) => "the database is not migrated: run `billing-portal migrate`".to_owned(),
                Err(error) => problem::with_sources(&error),
            };
            self.readiness.observe(news.is_empty(), self.tokens.keys_loaded());
            if news != last {
                if news.is_empty() {
                    tracing::info!("the database is back");
                } else {
                    tracing::warn!(cause = news, "the database cannot be used");
                }
                last = news;
            }
        }
    }

    async fn reach(&self, pepper_is_judged: &mut bool) -> Result<SchemaState, RepoError> {
        let database = &self.stores.database;
        let mut state = database.schema().await?;
        if self.auto_migrate && !state.fits() {
            let applied = database.migrate().await?;
            tracing::info!(applied, "the database is migrated");
            state = database.schema().await?;
        }
        if state.fits() && !*pepper_is_judged {
            self.judge_pepper().await?;
            *pepper_is_judged = true;
        }
        Ok(state)
    }

    /// A pepper that fits no stored key would be a silent 401 for everybody: the process ends.
    #[expect(clippy::print_stderr, reason = "the last words of a process that cannot work")]
    async fn judge_pepper(&self) -> Result<(), RepoError> {
        let counts = self.stores.usage.peppers(self.clock.now()).await?;
        let gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match PepperFit::judge(&counts, &gate) {
            PepperFit::Fits => {}
            PepperFit::SomeDoNotFit(keys) => {
                tracing::warn!(
                    keys,
                    "active API keys stand under a pepper that is not configured: they do not hold"
                );
            }
            PepperFit::NoneFits => {
                eprintln!(
                    "billing-portal: 1 setting is wrong:\n  BILLING_API_KEY_PEPPER: it fits none of the stored keys; set the \
                     pepper that they were made under, or both, separated by a comma, while rotating"
                );
                std::process::exit(WRONG_CONFIGURATION);
            }
        }
        Ok(())
    }

    /// Whether these peppers may take the place of the old ones: not those that fit none of the stored keys.
    pub(crate) async fn accepts(&self, gate: &Gate) -> Result<(), String> {
        let counts = self.stores.usage.peppers(self.clock.now()).await;
        let counts = counts.map_err(|error| {
            format!("the new pepper cannot be judged: {}", problem::with_sources(&error))
        })?;
        match PepperFit::judge(&counts, gate) {
            PepperFit::Fits => Ok(()),
            PepperFit::SomeDoNotFit(keys) => {
                tracing::warn!(
                    keys,
                    "active API keys stand under a pepper that is not configured: they do not hold"
                );
                Ok(())
            }
            PepperFit::NoneFits => Err("the new pepper fits none of the stored keys".to_owned()),
        }
    }

    /// From now on, judges the stored keys by these peppers.
    pub(crate) fn judge_by(&self, gate: Gate) {
        *self.gate.lock().unwrap_or_else(PoisonError::into_inner) = gate;
    }

    /// Writes denials down once a minute, and lets records go that are too old, until the service drains.
    pub(crate) async fn audit(self, drain: Drain) {
        let mut tick = tokio::time::interval(MINUTE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = drain.wait() => return,
            }
            self.write_denials().await;
            self.forget_what_is_over().await;
            if let Some(retention) = self.retention {
                match self.stores.audit.prune(self.clock.now().minus(retention)).await {
                    Ok(0) => {}
                    Ok(records) => {
                        tracing::info!(records, "audit records were past their retention")
                    }
                    Err(error) => tracing::warn!(
                        cause = problem::with_sources(&error),
                        "the audit log was not pruned"
                    ),
                }
            }
        }
    }

    /// Lets events go that were applied long ago, and checkouts whose `Idempotency-Key` is no longer remembered.
    async fn forget_what_is_over(&self) {
        let now = self.clock.now();
        let events = self.stores.inbox.prune(now.minus(EVENTS_KEPT)).await;
        let checkouts = self.stores.checkouts.prune(now.minus(KEYS_KEPT)).await;
        for failed in [events.err(), checkouts.err()].into_iter().flatten() {
            tracing::debug!(cause = problem::with_sources(&failed), "what is over was not deleted");
        }
    }

    /// Writes down what was denied since the last time.
    pub(crate) async fn write_denials(&self) {
        let denials = self.denials.take(self.clock.now());
        if denials.is_empty() {
            return;
        }
        if let Err(error) = self.stores.audit.append_denials(&denials).await {
            let attempts: u64 = denials.iter().map(|denied| denied.count).sum();
            tracing::warn!(
                attempts,
                cause = problem::with_sources(&error),
                "denied attempts are not written down yet"
            );
            self.denials.put_back(denials);
        }
    }
}
