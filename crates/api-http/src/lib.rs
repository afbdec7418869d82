//! The billing portal's HTTP API over the domain's ports. Which adapters stand behind them is the binary's business.

mod caller;
pub mod error_code;
pub mod observed_provider;
pub mod openapi;
pub mod problem;
pub mod readiness;
pub mod routes;

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::Authenticator;
use billing_domain::{KeyPrefix, PortalService};

use crate::readiness::Readiness;

/// What the routes need, shared by all requests.
#[derive(Clone, Debug)]
pub struct Api {
    /// Opens portals.
    pub portal: Arc<PortalService>,
    /// Judges access tokens.
    pub access_tokens: Arc<dyn Authenticator>,
    /// Judges API keys.
    pub api_keys: Arc<dyn Authenticator>,
    /// What API keys start with: tells one kind of credential from the other.
    pub key_prefix: KeyPrefix,
    /// The whole request's time, retries included.
    pub request_timeout: Duration,
    /// Whether the service can work.
    pub readiness: Arc<Readiness>,
    /// How clients reach the service (no slash at the end), where the operator said so.
    pub public_url: Option<String>,
}
