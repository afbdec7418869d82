//! [`client`]: limits, certificates, and what the HTTP library must not do by itself.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};

/// Time to connect, including name look-up and TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const USER_AGENT: &str = concat!("billing-portal/", env!("CARGO_PKG_VERSION"));

/// How a client connects.
#[derive(Clone, Copy, Debug)]
pub struct Connections {
    /// How long an idle connection is kept. `None` opens a connection for each request.
    pub idle: Option<Duration>,
    /// Whether a proxy named in the environment is used. Loopback peers are behind none.
    pub use_proxy: bool,
}

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refused its settings, or a proxy in the environment is malformed.
    #[error("the HTTP client cannot be set up")]
    Http(#[from] reqwest::Error),
}

/// A client that follows no redirect and repeats nothing. It connects with the first request.
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

/// Mozilla's roots, compiled in: cheap to load, and present on a machine without a certificate store.
fn tls() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
