//! [`AppState`]: the services and settings that every handler shares.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{Authenticator, Clock};
use billing_domain::{
    ApiKeyIssuer, ApiKeyService, CheckoutService, KeyPrefix, KeyRules, PortalService,
    SubscriptionService, WebhookIntake,
};
use tokio::sync::Notify;

use crate::guard::Guard;
use crate::intake_room::IntakeRoom;
use crate::readiness::ReadinessProbe;

/// The services and settings of all routes. Handlers share it behind one [`Arc`].
#[derive(Debug)]
pub struct AppState {
    /// Lists and revokes API keys.
    pub keys: ApiKeyService,
    /// Creates and rotates API keys.
    pub issuer: ApiKeyIssuer,
    /// Limits for API keys that users create over HTTP.
    pub key_rules: KeyRules,
    /// Rate limits and the count of denied requests.
    pub guard: Guard,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Opens portal sessions.
    pub portal: PortalService,
    /// Starts checkout sessions.
    pub checkout: CheckoutService,
    /// Reads current subscriptions and the catalogue.
    pub subscriptions: SubscriptionService,
    /// Verifies and stores the provider's events.
    pub webhooks: WebhookIntake,
    /// Memory for the bodies of webhook deliveries.
    pub intake_room: IntakeRoom,
    /// Wakes the inbox worker.
    pub new_events: Arc<Notify>,
    /// Verifies access tokens.
    pub access_tokens: Arc<dyn Authenticator>,
    /// Verifies API keys.
    pub api_keys: Arc<dyn Authenticator>,
    /// Prefix of API keys; it tells the two credential types apart.
    pub key_prefix: KeyPrefix,
    /// Time budget of a request, retries included.
    pub request_timeout: Duration,
    /// Whether the service is ready.
    pub readiness: Arc<dyn ReadinessProbe>,
    /// The URL under which clients reach the service, without a final slash, if it is configured.
    pub public_url: Option<String>,
}
