//! The billing portal's HTTP API over the domain's ports. Which adapters stand behind them is the business of `billing-portal`.

mod caller;
mod deadline;
pub mod error_code;
pub mod openapi;
pub mod problem;
pub mod readiness;
pub mod routes;
pub mod timestamps;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use billing_domain::ports::{Authenticator, Clock};
use billing_domain::{
    ApiKeyId, ApiKeyIssuer, ApiKeyService, CheckoutService, Credential, KeyPrefix, KeyRules,
    PortalService, SubscriptionService, WebhookIntake,
};
use tokio::sync::Notify;

pub use crate::caller::Guard;

use crate::readiness::ReadinessProbe;

/// What the routes need, shared by all requests.
#[derive(Clone, Debug)]
pub struct Api {
    /// Lists and revokes API keys.
    pub keys: ApiKeyService,
    /// Makes and rotates them.
    pub issuer: ApiKeyIssuer,
    /// What owners of keys are held to.
    pub key_rules: Arc<KeyRules>,
    /// The key id in a credential that has an API key's form and checksum; costs no look-up.
    pub presented_key_id: fn(&Credential, &KeyPrefix) -> Option<ApiKeyId>,
    /// Limits and the count of denials.
    pub guard: Arc<Guard>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Opens portals.
    pub portal: Arc<PortalService>,
    /// Starts checkouts.
    pub checkout: Arc<CheckoutService>,
    /// Tells what is subscribed to, and what there is.
    pub subscriptions: Arc<SubscriptionService>,
    /// Takes in what the provider tells.
    pub webhooks: Arc<WebhookIntake>,
    /// Room for the bodies of deliveries.
    pub intake_room: Arc<routes::webhooks::IntakeRoom>,
    /// Wakes whoever works the inbox off.
    pub new_events: Arc<Notify>,
    /// Judges access tokens.
    pub access_tokens: Arc<dyn Authenticator>,
    /// Judges API keys.
    pub api_keys: Arc<dyn Authenticator>,
    /// What API keys start with: tells one kind of credential from the other.
    pub key_prefix: KeyPrefix,
    /// The whole request's time, retries included.
    pub request_timeout: Duration,
    /// Whether the service is ready.
    pub readiness: Arc<dyn ReadinessProbe>,
    /// How clients reach the service (no slash at the end), where the operator said so.
    pub public_url: Option<String>,
    /// OpenAPI and its page, once somebody has asked for them.
    pub documents: Arc<OnceLock<routes::Documents>>,
}
