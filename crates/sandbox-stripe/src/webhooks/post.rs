//! Posts one request to a receiver.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::address;
use super::queue::MAX_CONCURRENT;
use super::request::SignedRequest;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

const AGENT: &str = concat!("sandbox-stripe/", env!("CARGO_PKG_VERSION"));

/// Maximum bytes read from a response. Reading it allows reuse of the connection.
const MAX_RESPONSE_BYTES: usize = 64 * 1024;

/// Idle time after which a connection closes.
const IDLE: Duration = Duration::from_secs(30);

/// An HTTP client with a connection pool.
pub(super) type Client = legacy::Client<HttpConnector, Full<Bytes>>;

/// The reason why an attempt failed. The API returns these texts.
#[derive(Debug, thiserror::Error)]
pub(super) enum DeliveryError {
    #[error("the receiver responded with status {0}")]
    Status(u16),
    #[error("the receiver did not respond in time")]
    Late,
    #[error("the receiver cannot be reached")]
    Unreachable,
    #[error("the receiver closed the connection without a response")]
    Closed,
    #[error("the URL is not valid for a request")]
    Address,
}

impl DeliveryError {
    /// Returns the response's status, if there was a response.
    pub(super) const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            Self::Late | Self::Unreachable | Self::Closed | Self::Address => None,
        }
    }
}

pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    // Requests are small and complete. Waiting to fill a packet would only add latency.
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MAX_CONCURRENT)
        .build(connector)
}

/// Posts a request and returns the success status.
pub(super) async fn post(
    client: &Client,
    request: SignedRequest,
    timeout: Duration,
) -> Result<u16, DeliveryError> {
    let address = address::to_uri(&request.url).ok_or(DeliveryError::Address)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(address)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(USER_AGENT, AGENT)
        .header(SIGNATURE, &request.signature)
        .body(Full::new(request.body))
        .map_err(|_| DeliveryError::Address)?;
    let exchange = async {
        let response = client.request(request).await.map_err(|error| {
            if error.is_connect() { DeliveryError::Unreachable } else { DeliveryError::Closed }
        })?;
        let status = response.status();
        let whole = Limited::new(response.into_body(), MAX_RESPONSE_BYTES).collect().await;
        match whole {
            _ if !status.is_success() => Err(DeliveryError::Status(status.as_u16())),
            // A response longer than the limit still counts.
            Ok(_) | Err(_) => Ok(status.as_u16()),
        }
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(DeliveryError::Late))
}
