//! [`Attempt`]: one HTTP request and its response, read up to a limit.

use std::time::Duration;

use outbound_http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use outbound_http::{Body, RequestBuilder, Response, StatusCode, TransportError};

use crate::portal_session::is_loggable;

/// Maximum size of a response body (P4), in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// The result of an attempt. It has no `Debug` because the body may contain a portal URL.
pub(crate) struct Attempt {
    /// The head of the response. It is present even if the body failed.
    pub(crate) head: Option<Head>,
    pub(crate) body: Result<Body, TransportError>,
}

/// The relevant parts of a response head.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) request_id: Option<String>,
    pub(crate) should_retry: Option<bool>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) is_json: bool,
}

impl Attempt {
    /// Sends a request and reads the response, with timeout `limit`.
    pub(crate) async fn make(request: RequestBuilder, limit: Duration) -> Self {
        let mut head = None;
        let reading = read(request, &mut head);
        let body =
            tokio::time::timeout(limit, reading).await.unwrap_or(Err(TransportError::Timeout));
        Self { head, body }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.head.as_ref().map(|head| head.status)
    }

    pub(crate) fn request_id(&self) -> Option<&str> {
        self.head.as_ref()?.request_id.as_deref()
    }

    /// Returns the body if it is complete and JSON.
    pub(crate) fn json(&self) -> Option<&[u8]> {
        match (&self.head, &self.body) {
            (Some(Head { is_json: true, .. }), Ok(Body::Whole(body))) => Some(body),
            _ => None,
        }
    }
}

impl Head {
    fn of(response: &Response) -> Self {
        let headers = response.headers();
        Self {
            status: response.status(),
            request_id: text(headers, "request-id").filter(|id| is_loggable(id)).map(str::to_owned),
            should_retry: match text(headers, "stripe-should-retry") {
                Some("true") => Some(true),
                Some("false") => Some(false),
                _ => None,
            },
            // Stripe sends seconds. The date form (RFC 9110, 10.2.3) is ignored.
            retry_after: text(headers, RETRY_AFTER.as_str())
                .and_then(|text| text.parse().ok())
                .map(Duration::from_secs),
            is_json: text(headers, CONTENT_TYPE.as_str()).is_some_and(is_json),
        }
    }
}

async fn read(request: RequestBuilder, head: &mut Option<Head>) -> Result<Body, TransportError> {
    let response = outbound_http::send(request).await?;
    *head = Some(Head::of(&response));
    outbound_http::read_body(response, MAX_BODY).await
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Returns whether the media type is `application/json` with any parameters.
fn is_json(media_type: &str) -> bool {
    media_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
