//! The HTTP client for Stripe and the common request headers.

use std::time::Duration;

use outbound_http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use outbound_http::{Client, Connections};
use secrecy::ExposeSecret;

use crate::{API_VERSION, ApiBase, SecretKey};

/// Idle timeout. Shorter than the usual 60 s of servers and load balancers, so that few requests
/// use a connection that is closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Why the HTTP client cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] outbound_http::ClientError),
    /// The key is not a valid header value.
    #[error("the secret key cannot be sent")]
    Key,
}

/// Builds a client without automatic retries: `retry` decides about retries.
pub(crate) fn build(base: &ApiBase) -> Result<Client, ClientError> {
    let connections = Connections { idle: Some(IDLE_TIMEOUT), use_proxy: !base.is_loopback() };
    Ok(outbound_http::client(connections)?)
}

/// Returns the common request headers.
pub(crate) fn headers(key: &SecretKey) -> Result<HeaderMap, ClientError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.secret().expose_secret()))
        .map_err(|_| ClientError::Key)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (STRIPE_VERSION, HeaderValue::from_static(API_VERSION)),
    ]))
}
