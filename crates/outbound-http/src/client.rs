//! [`client`] builds the HTTP client: timeouts, certificates, no redirects, no retries.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};

/// Connect timeout, including DNS and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const USER_AGENT: &str = concat!("billing-portal/", env!("CARGO_PKG_VERSION"));

/// Connection settings of a client.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// Idle timeout of pooled connections. `None` opens a connection for each request.
    pub idle: Option<Duration>,
    /// Whether to use the proxy from the environment. Use `false` for loopback peers.
    pub use_proxy: bool,
}

/// Why [`client`] failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library rejected its default settings.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library rejected its settings, or the proxy in the environment is malformed.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// Builds a client without redirects and retries. It connects on the first request.
///
/// # Errors
/// See [`ClientError`].
pub fn client(connections: Connections) -> Result<Client, ClientError> {
    let client = Client::builder()
        .tls_backend_preconfigured(tls()?)
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(redirect::Policy::none())
        .referer(false)
        .retry(retry::never());
    let client = match connections.idle {
        Some(idle) => client.pool_idle_timeout(idle),
        None => client.pool_max_idle_per_host(0),
    };
    let client = if connections.use_proxy { client } else { client.no_proxy() };
    Ok(client.build()?)
}

/// Trusts Mozilla's roots, compiled in. They also work on a machine without a certificate store.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
