//! [`AppState`]: the services and settings that every handler shares.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{Authenticator, Clock};
use billing_domain::{
    ApiKeyIssuer, ApiKeyService, CheckoutService, KeyPrefix, KeyRules, PortalService,
    SubscriptionService, WebhookIntake,
};
use tokio::sync::Notify;

use crate::intake_capacity::IntakeCapacity;
use crate::readiness::ReadinessProbe;
use crate::request_limits::RequestLimits;

/// The services and settings of all routes. Handlers share one instance through [`Arc`].
#[derive(Debug)]
pub struct AppState {
    /// Lists and revokes API keys.
    pub keys: ApiKeyService,
    /// Creates and rotates API keys.
    pub issuer: ApiKeyIssuer,
    /// Limits for API keys that users create over HTTP.
    pub key_rules: KeyRules,
    /// Rate limits, and the counter of denied requests.
    pub limits: RequestLimits,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Opens portal sessions.
    pub portal: PortalService,
    /// Starts checkout sessions.
    pub checkout: CheckoutService,
    /// Reads current subscriptions and the plan catalogue.
    pub subscriptions: SubscriptionService,
    /// Verifies and stores events of the provider.
    pub webhooks: WebhookIntake,
    /// Memory limit for the bodies of webhook deliveries.
    pub intake_capacity: IntakeCapacity,
    /// Wakes the inbox worker.
    pub new_events: Arc<Notify>,
    /// Verifies access tokens.
    pub access_tokens: Arc<dyn Authenticator>,
    /// Verifies API keys.
    pub api_keys: Arc<dyn Authenticator>,
    /// Prefix of API keys. It distinguishes the two credential types.
    pub key_prefix: KeyPrefix,
    /// Time budget of a request, including retries.
    pub request_timeout: Duration,
    /// Whether the service is ready.
    pub readiness: Arc<dyn ReadinessProbe>,
    /// The public URL of the service without a trailing slash, if configured.
    pub public_url: Option<String>,
}
