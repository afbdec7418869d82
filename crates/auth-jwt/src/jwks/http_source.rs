//! Fetches a key set: one GET to the configured URL, with limits for time and size.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use outbound_http::header::ACCEPT;
use outbound_http::{Body, Client, ClientError, Connections, StatusCode, TransportError};
use url::Url;

/// Timeout of the whole fetch, to the last byte.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum size of a key set, in bytes: the maximum number of keys, each large and with a
/// certificate chain.
const MAX_BYTES: usize = 256 * 1024;
/// The media type of a key set (RFC 7517, 8.5.2) and the one that most issuers send.
const MEDIA_TYPES: &str = "application/jwk-set+json, application/json";

/// A source of a key set.
#[async_trait]
pub(crate) trait JwkSetSource: Debug + Send + Sync + 'static {
    /// Fetches the published set.
    async fn fetch(&self) -> Result<Vec<u8>, FetchFault>;
}

/// Why a fetch returned no key set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchFault {
    #[error("cannot connect to the issuer: {0}")]
    NotConnected(String),
    #[error("the issuer did not respond within {} s", FETCH_TIMEOUT.as_secs())]
    Timeout,
    #[error("the issuer's response is incomplete: {0}")]
    Broken(String),
    #[error("the issuer responded with status {0}; redirects are not followed")]
    Status(u16),
    #[error("the issuer's response is longer than {MAX_BYTES} bytes")]
    TooLarge,
    #[error("the issuer's response is not a key set: {0}")]
    Malformed(String),
    #[error("the issuer's key set has no usable key")]
    NoUsableKey,
}

impl FetchFault {
    /// All labels, for the metrics.
    pub(crate) const LABELS: &[&str] = &[
        "not_connected",
        "timeout",
        "broken",
        "status",
        "too_large",
        "malformed",
        "no_usable_key",
    ];

    /// Returns the label for the metrics.
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::NotConnected(_) => "not_connected",
            Self::Timeout => "timeout",
            Self::Broken(_) => "broken",
            Self::Status(_) => "status",
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
            Self::NoUsableKey => "no_usable_key",
        }
    }
}

/// A key set published at a URL.
#[derive(Debug)]
pub(crate) struct HttpSource {
    client: Client,
    url: Url,
    timeout: Duration,
}

impl HttpSource {
    /// Creates a source. It follows no redirects, does not retry, and keeps no connection: fetches
    /// are minutes apart, and a new connection resolves the host again.
    pub(crate) fn new(url: Url) -> Result<Self, ClientError> {
        Self::with_timeout(url, FETCH_TIMEOUT)
    }

    fn with_timeout(url: Url, timeout: Duration) -> Result<Self, ClientError> {
        // Plain http is only allowed for loopback hosts, which no proxy reaches.
        let connections = Connections { idle: None, use_proxy: url.scheme() != "http" };
        Ok(Self { client: outbound_http::client(connections)?, url, timeout })
    }
}

#[async_trait]
impl JwkSetSource for HttpSource {
    async fn fetch(&self) -> Result<Vec<u8>, FetchFault> {
        let request = self.client.get(self.url.clone()).header(ACCEPT, MEDIA_TYPES);
        let response = outbound_http::send(request.timeout(self.timeout)).await?;
        match response.status() {
            StatusCode::OK => match outbound_http::read_body(response, MAX_BYTES).await? {
                Body::Whole(body) => Ok(body),
                Body::TooLarge => Err(FetchFault::TooLarge),
            },
            other => Err(FetchFault::Status(other.as_u16())),
        }
    }
}

impl From<TransportError> for FetchFault {
    fn from(error: TransportError) -> Self {
        match error {
            TransportError::NotConnected(cause) => Self::NotConnected(cause),
            TransportError::Timeout => Self::Timeout,
            TransportError::Broken(cause) => Self::Broken(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jwks::issuer::{Answer, Issuer};
    use crate::jwks::published_key::{PublishedKey, set_of};

    /// Long, so that a busy machine fails no test.
    const TIMEOUT: Duration = Duration::from_secs(30);

    async fn fetch(url: &str, timeout: Duration) -> Result<Vec<u8>, FetchFault> {
        HttpSource::with_timeout(url.parse().unwrap(), timeout).unwrap().fetch().await
    }

    async fn fetch_from(answer: Answer) -> Result<Vec<u8>, FetchFault> {
        let issuer = Issuer::start(answer).await;
        let fetched = fetch(&issuer.url(), TIMEOUT).await;
        assert_eq!(issuer.requests().len(), 1, "no retries");
        fetched
    }

    fn of_length(length: usize) -> String {
        "k".repeat(length)
    }

    fn chunked(body: &str) -> Answer {
        let text = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        Answer::Bytes(text.into_bytes())
    }

    #[tokio::test]
    async fn a_complete_response_is_accepted_up_to_the_limit() {
        for length in [0, 1, MAX_BYTES] {
            assert_eq!(fetch_from(Answer::json(&of_length(length))).await.unwrap().len(), length);
        }
        assert_eq!(fetch_from(chunked(&of_length(MAX_BYTES))).await.unwrap().len(), MAX_BYTES);
        let until_the_end =
            Answer::Bytes(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nset".to_vec());
        assert_eq!(fetch_from(until_the_end).await.unwrap(), b"set");
    }

    #[tokio::test]
    async fn a_response_over_the_limit_is_refused() {
        assert_eq!(
            fetch_from(Answer::json(&of_length(MAX_BYTES + 1))).await,
            Err(FetchFault::TooLarge)
        );
        assert_eq!(fetch_from(chunked(&of_length(MAX_BYTES + 1))).await, Err(FetchFault::TooLarge));
        let declared =
            Answer::Stuck(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n".to_vec());
        assert_eq!(fetch_from(declared).await, Err(FetchFault::TooLarge));
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let endless = Answer::Endless(
            head,
            format!("{:x}\r\n{}\r\n", 1 << 14, of_length(1 << 14)).into_bytes(),
        );
        assert_eq!(fetch_from(endless).await, Err(FetchFault::TooLarge));
    }

    #[tokio::test]
    async fn only_status_200_is_accepted() {
        for status in [201, 203, 204, 206, 400, 401, 404, 429, 500, 503, 599] {
            let answer = Answer::head(&format!("{status} Some\r\nContent-Length: 0"));
            assert_eq!(fetch_from(answer).await, Err(FetchFault::Status(status)));
        }
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let target = Issuer::start(Answer::json("{}")).await;
        for status in [300, 301, 302, 303, 307, 308] {
            let answer = Answer::head(&format!(
                "{status} Moved\r\nLocation: {}\r\nContent-Length: 0",
                target.url()
            ));
            assert_eq!(fetch_from(answer).await, Err(FetchFault::Status(status)));
        }
        assert!(target.requests().is_empty());
    }

    #[tokio::test]
    async fn a_slow_response_times_out_in_every_phase() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n".to_vec();
        for answer in [
            Answer::Stuck(Vec::new()),
            Answer::Stuck(b"HTTP/1.1 200 O".to_vec()),
            Answer::Stuck(head.clone()),
            Answer::Stuck([head, b"{".to_vec()].concat()),
            Answer::Endless(
                b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n".to_vec(),
                b"{".to_vec(),
            ),
        ] {
            let issuer = Issuer::start(answer.clone()).await;
            let fetched = fetch(&issuer.url(), Duration::from_millis(200)).await;
            assert_eq!(fetched, Err(FetchFault::Timeout), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn an_incomplete_response_is_refused() {
        for answer in [
            Answer::nothing(),
            Answer::Bytes(b"HTTP/1.1 200 OK\r\n".to_vec()),
            Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}".to_vec()),
            Answer::Bytes(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n".to_vec(),
            ),
            Answer::Bytes(b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec()),
        ] {
            let fetched = fetch_from(answer.clone()).await;
            assert!(matches!(fetched, Err(FetchFault::Broken(_))), "{answer:?}: {fetched:?}");
        }
    }

    #[tokio::test]
    async fn a_failed_connection_is_reported_without_the_url() {
        let plain = Issuer::start(Answer::json("{}")).await;
        let closed = Issuer::start(Answer::nothing()).await.url();
        for url in [closed, plain.url().replace("http:", "https:")] {
            match fetch(&url, TIMEOUT).await {
                Err(FetchFault::NotConnected(cause)) => {
                    assert!(!cause.contains("tenant"), "{cause}")
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn the_request_has_only_the_needed_headers() {
        let issuer = Issuer::start(Answer::json("{}")).await;
        fetch(&issuer.url(), TIMEOUT).await.unwrap();
        let head = issuer.requests().remove(0).to_ascii_lowercase();
        assert!(head.starts_with("get /keys?tenant=1 http/1.1\r\n"), "{head}");
        let mut names: Vec<&str> =
            head.lines().skip(1).filter_map(|line| Some(line.split_once(':')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "host", "user-agent"]);
    }

    #[tokio::test]
    async fn every_fetch_returns_the_currently_published_set() {
        let (a, b) = (PublishedKey::new("a"), PublishedKey::new("b"));
        let issuer = Issuer::of(&[&a]).await;
        let source = HttpSource::with_timeout(issuer.url().parse().unwrap(), TIMEOUT).unwrap();
        assert_eq!(source.fetch().await.unwrap(), set_of(&[&a]).into_bytes());
        issuer.publish(&[&b]);
        assert_eq!(source.fetch().await.unwrap(), set_of(&[&b]).into_bytes());
    }

    #[test]
    fn every_fault_has_its_label() {
        let text = String::new;
        let faults = [
            FetchFault::NotConnected(text()),
            FetchFault::Timeout,
            FetchFault::Broken(text()),
            FetchFault::Status(500),
            FetchFault::TooLarge,
            FetchFault::Malformed(text()),
            FetchFault::NoUsableKey,
        ];
        assert_eq!(faults.map(|fault| fault.label()), FetchFault::LABELS);
    }
}
