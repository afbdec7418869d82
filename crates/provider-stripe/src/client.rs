//! The HTTP client: its limits, its certificates, and what it must never do by itself.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;

use crate::{API_VERSION, ApiBase, SecretKey};

/// How long a connection may take, name look-up and TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Idle connections are closed before the usual 60 s of servers and balancers, so that few requests meet a closing one.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);
const USER_AGENT: &str = concat!("billing-portal/", env!("CARGO_PKG_VERSION"));
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refused its settings, or a proxy in the environment is malformed.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
    /// The key cannot stand in a header.
    #[error("the secret key cannot be sent")]
    Key,
}

/// A client that follows no redirect and repeats nothing: what is retried, and when, is decided in `retry`.
pub(crate) fn build(base: &ApiBase) -> Result<Client, ClientError> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    let client = if base.is_loopback() { client.no_proxy() } else { client };
    Ok(client.build()?)
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

/// Mozilla's roots, compiled in: cheap to load, and there on a machine without a certificate store.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
