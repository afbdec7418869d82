//! The access log and request metrics. Queries, headers and bodies are omitted because they may
//! contain credentials.

use std::time::Instant;

use http::{Method, StatusCode};

use crate::answer::Watcher;
use crate::request_id::RequestId;

/// Route label of requests that match no route.
const UNMATCHED: &str = "unmatched";

/// Method label of non-standard and unreadable methods.
const OTHER_METHOD: &str = "OTHER";

/// Code label of responses that are not problems.
const NO_CODE: &str = "none";

/// The access record of one request. Dropping it writes the record, after the response was sent or
/// aborted.
pub(crate) struct AccessRecord {
    started: Instant,
    method: &'static str,
    route: String,
    id: RequestId,
    is_api: bool,
    answer: Option<(StatusCode, &'static str)>,
    bytes: usize,
}

impl AccessRecord {
    pub(crate) fn begin(
        method: Option<&Method>,
        route: Option<&str>,
        is_api: bool,
        id: RequestId,
    ) -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1.0);
        Self {
            started: Instant::now(),
            method: method.map_or(OTHER_METHOD, label),
            route: route.unwrap_or(UNMATCHED).to_owned(),
            id,
            is_api,
            answer: None,
            bytes: 0,
        }
    }

    pub(crate) fn set_response(&mut self, status: StatusCode, code: Option<&'static str>) {
        self.answer = Some((status, code.unwrap_or(NO_CODE)));
    }
}

impl Watcher for AccessRecord {
    fn sent(&mut self, bytes: usize) {
        self.bytes += bytes;
    }
}

impl Drop for AccessRecord {
    fn drop(&mut self) {
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
        let duration = self.started.elapsed();
        // Status 0: the connection closed before there was a response.
        let (status, code) =
            self.answer.map_or((0, NO_CODE), |(status, code)| (status.as_u16(), code));
        macro_rules! log_request {
            ($target:expr) => {
                tracing::info!(
                    target: $target,
                    method = self.method,
                    route = self.route,
                    status,
                    code,
                    duration_ms = duration.as_secs_f64() * 1e3,
                    request_id = %self.id,
                    bytes = self.bytes,
                    "request"
                )
            };
        }
        // The target of a log line is static. Filters use it to hide probes and pages.
        if self.is_api {
            log_request!("http_edge::access");
        } else {
            log_request!("http_edge::access::other");
        }
        let (route, method) = (self.route.clone(), self.method);
        metrics::counter!(
            "http_requests_total",
            "route" => route.clone(), "method" => method, "status" => status.to_string(), "code" => code
        )
        .increment(1);
        metrics::histogram!("http_request_duration_seconds", "route" => route, "method" => method)
            .record(duration.as_secs_f64());
    }
}

/// Returns a bounded label, so that invented methods create no new time series.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER_METHOD,
    }
}
