//! One request to a receiver.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderName, USER_AGENT};
use hyper::{Method, Request};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::address;
use super::letter::Written;
use super::queue::MOST_AT_ONCE;

const SIGNATURE: HeaderName = HeaderName::from_static("stripe-signature");

const OURS: &str = concat!("sandbox-stripe/", env!("CARGO_PKG_VERSION"));

/// What a receiver answers is of no interest, but a connection whose answer is read can be used again.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Connections to the receivers, kept for the next delivery.
pub(super) type Client = legacy::Client<HttpConnector, Full<Bytes>>;

/// Why a delivery was not taken. The texts are shown to those who ask for them.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("the receiver answered {0}")]
    Status(u16),
    #[error("the receiver did not answer in time")]
    Late,
    #[error("the receiver cannot be reached")]
    Unreachable,
    #[error("the receiver closed the connection without an answer")]
    Closed,
    #[error("the address is none that a request can go to")]
    Address,
}

impl NotTaken {
    /// The answer's status, where there was an answer.
    pub(super) const fn status(&self) -> Option<u16> {
        match self {
            Self::Status(status) => Some(*status),
            Self::Late | Self::Unreachable | Self::Closed | Self::Address => None,
        }
    }
}

pub(super) fn client() -> Client {
    let mut connector = HttpConnector::new();
    // Requests are small and whole: waiting to fill a packet only costs time.
    connector.set_nodelay(true);
    legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MOST_AT_ONCE)
        .build(connector)
}

/// Posts a letter; gives the status, which is a success.
pub(super) async fn post(
    client: &Client,
    letter: Written,
    timeout: Duration,
) -> Result<u16, NotTaken> {
    let address = address::to_uri(&letter.url).ok_or(NotTaken::Address)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(address)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(USER_AGENT, OURS)
        .header(SIGNATURE, &letter.signature)
        .body(Full::new(letter.body))
        .map_err(|_| NotTaken::Address)?;
    let exchange = async {
        let response = client.request(request).await.map_err(|error| {
            if error.is_connect() { NotTaken::Unreachable } else { NotTaken::Closed }
        })?;
        let status = response.status();
        let whole = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
        match whole {
            _ if !status.is_success() => Err(NotTaken::Status(status.as_u16())),
            // A long answer is an answer.
            Ok(_) | Err(_) => Ok(status.as_u16()),
        }
    };
    tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(NotTaken::Late))
}
