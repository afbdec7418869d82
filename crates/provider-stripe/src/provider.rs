//! [`StripeProvider`] itself: attempts, retries, and what is counted and traced about them.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use async_trait::async_trait;
use billing_domain::ports::{BillingProvider, ProviderError};
use billing_domain::{Capabilities, PortalRequest, PortalSession, ProviderAccount};
use reqwest::Client;
use reqwest::header::HeaderMap;
use tracing::{debug, info, instrument};
use url::Url;
use uuid::Uuid;

use crate::attempt::Attempt;
use crate::classify::{self, Failure, Order};
use crate::portal_session::Expected;
use crate::{ClientError, StripeSettings, capabilities, client, portal_form, retry};

/// Stripe's customer portal, or the sandbox's.
pub struct StripeProvider {
    account: ProviderAccount,
    access: RwLock<Arc<Access>>,
}

/// How Stripe is reached, and as whom. A call keeps what it began with.
struct Access {
    settings: StripeSettings,
    client: Client,
    headers: HeaderMap,
    portal_sessions: Url,
}

/// Why new settings did not take the place of the old ones, which stay in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// They are for another provider or mode: customers are kept under those, so that takes a restart.
    #[error("the new settings are for {0}, which takes a restart")]
    OtherAccount(ProviderAccount),
    /// No client can be built of them.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl StripeProvider {
    /// A provider with connections of its own; opens none yet.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self { account: settings.account().clone(), access: RwLock::new(Arc::new(Access::new(settings)?)) })
    }

    /// Puts new settings, such as a rolled key, in the place of the old ones. Calls under way end as they began.
    ///
    /// # Errors
    /// See [`ReloadError`].
    pub fn reload(&self, settings: StripeSettings) -> Result<(), ReloadError> {
        if *settings.account() != self.account {
            return Err(ReloadError::OtherAccount(settings.account().clone()));
        }
        let access = Arc::new(Access::new(settings)?);
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(())
    }

    fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Access {
    fn new(settings: StripeSettings) -> Result<Self, ClientError> {
        Ok(Self {
            client: client::build(settings.api_base())?,
            headers: client::headers(settings.key())?,
            portal_sessions: settings.api_base().endpoint(portal_form::PATH),
            settings,
        })
    }

    /// Makes attempts until one gives a session or no retry is left.
    async fn make_session(&self, request: &PortalRequest) -> Result<PortalSession, ProviderError> {
        let form = portal_form::encode(request, self.settings.portal_configuration());
        let order = Order {
            expected: Expected {
                customer: &request.customer,
                mode: self.settings.account().mode(),
                loopback_urls: self.settings.takes_loopback_urls(),
            },
            flow: request.flow.as_ref(),
            key: self.settings.key().secret(),
        };
        let mut pauses = retry::pauses();
        let mut key = Uuid::now_v7();
        let mut timed_out = false;
        for retries in 0.. {
            let remaining = request.deadline.remaining(Instant::now());
            if remaining.is_zero() {
                break;
            }
            let attempt = self.attempt(&form, key, retries, retry::attempt_limit(retries, remaining)).await;
            let failure = match classify::judge(&attempt, order) {
                Ok(session) => return Ok(session),
                Err(failure) => failure,
            };
            let remaining = request.deadline.remaining(Instant::now());
            let pause = pauses
                .next()
                .filter(|_| failure.retry)
                .and_then(|backoff| retry::pause(backoff, failure.retry_after, retries, remaining));
            let Some(pause) = pause else { return Err(last_word(failure, timed_out, retries)) };
            info!(retry = retries + 1, pause_ms = pause.as_millis(), cause = %failure.error, "the provider's answer is retried");
            metrics::counter!("provider_retries_total").increment(1);
            timed_out |= matches!(failure.error, ProviderError::Timeout { .. });
            if failure.spoils_key {
                key = Uuid::now_v7();
            }
            tokio::time::sleep(pause).await;
        }
        Err(ProviderError::Timeout { context: "the request's time was up before an attempt could be made".to_owned() })
    }

    async fn attempt(&self, form: &str, key: Uuid, retries: usize, limit: std::time::Duration) -> Attempt {
        let started = Instant::now();
        let request = self
            .client
            .post(self.portal_sessions.clone())
            .headers(self.headers.clone())
            .header("idempotency-key", key.to_string())
            .body(form.to_owned());
        let attempt = Attempt::make(request, limit).await;
        debug!(
            attempt = retries + 1,
            status = attempt.status().map(|status| status.as_u16()),
            provider_request_id = attempt.request_id(),
            latency_ms = started.elapsed().as_millis(),
            complete = attempt.body.is_ok(),
            "called the provider"
        );
        attempt
    }
}

/// The error of a call whose last attempt failed so.
fn last_word(failure: Failure, timed_out: bool, retries: usize) -> ProviderError {
    let told = |context: String| match retries {
        0 => context,
        _ => format!("{context}; {} attempts", retries + 1),
    };
    match failure.error {
        // The conflict is with our own first attempt, which Stripe still works on: it is Stripe that takes too long.
        ProviderError::Refused { context } if failure.conflict && timed_out => {
            ProviderError::Timeout { context: told(context) }
        }
        ProviderError::Refused { context } => ProviderError::Refused { context: told(context) },
        ProviderError::Unavailable { context, retry_after } => {
            ProviderError::Unavailable { context: told(context), retry_after }
        }
        ProviderError::Timeout { context } => ProviderError::Timeout { context: told(context) },
        other => other,
    }
}

#[async_trait]
impl BillingProvider for StripeProvider {
    fn account(&self) -> &ProviderAccount {
        &self.account
    }

    fn capabilities(&self) -> Capabilities {
        capabilities::portal()
    }

    #[instrument(name = "create_portal_session", skip_all, fields(account = %self.account()))]
    async fn create_portal_session(&self, request: &PortalRequest) -> Result<PortalSession, ProviderError> {
        let started = Instant::now();
        let result = self.access().make_session(request).await;
        metrics::counter!("provider_requests_total", "outcome" => outcome(&result)).increment(1);
        metrics::histogram!("provider_request_duration_seconds").record(started.elapsed().as_secs_f64());
        if let Ok(session) = &result {
            debug!(session = session.id, "made a portal session");
        }
        result
    }
}

/// The label of a call in the metrics.
fn outcome(result: &Result<PortalSession, ProviderError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(ProviderError::CustomerNotFound { .. }) => "customer_not_found",
        Err(ProviderError::SubscriptionNotFound { .. }) => "subscription_not_found",
        Err(ProviderError::Refused { .. }) => "refused",
        Err(ProviderError::Unusable { .. }) => "unusable",
        Err(ProviderError::Unavailable { .. }) => "unavailable",
        Err(ProviderError::Timeout { .. }) => "timeout",
        Err(ProviderError::Overloaded { .. }) => "overloaded",
    }
}

impl fmt::Debug for StripeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StripeProvider").field("settings", &self.access().settings).finish_non_exhaustive()
    }
}
