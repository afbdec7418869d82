//! The HTTP client for Stripe, and the headers that every request carries.

use std::time::Duration;

use outbound_http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use outbound_http::{Client, Connections};
use secrecy::ExposeSecret;

use crate::{API_VERSION, ApiBase, SecretKey};

/// Idle connections are closed before the usual 60 s of servers and balancers, so that few requests
/// meet a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] outbound_http::ClientError),
    /// The key cannot stand in a header.
    #[error("the secret key cannot be sent")]
    Key,
}

/// A client that repeats nothing: `retry` decides what is repeated, and when.
pub(crate) fn build(base: &ApiBase) -> Result<Client, ClientError> {
    let connections = Connections { idle: Some(IDLE_TIMEOUT), use_proxy: !base.is_loopback() };
    Ok(outbound_http::client(connections)?)
}

/// The headers that every request carries.
pub(crate) fn headers(key: &SecretKey) -> Result<HeaderMap, ClientError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", key.secret().expose_secret()))
        .map_err(|_| ClientError::Key)?;
    bearer.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, bearer),
        (STRIPE_VERSION, HeaderValue::from_static(API_VERSION)),
    ]))
}
