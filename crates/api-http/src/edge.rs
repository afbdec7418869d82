//! [`config`] configures the edge for this API: paths, headers and errors.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, Method};
use http_edge::{CorsPolicy, EdgeConfig, TrustedProxies, X_REQUEST_ID};

use crate::endpoint::API_PREFIX;
use crate::problem;
use crate::routes::{STRIPE_WEBHOOKS, WEBHOOK_BODY_LIMIT};

/// Methods that a preflight allows. `Allow` of a 405 lists the methods of a path.
const CORS_METHODS: [Method; 6] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];

/// Response headers that pages of listed origins may read.
const EXPOSED_HEADERS: [HeaderName; 6] = [
    X_REQUEST_ID,
    RETRY_AFTER,
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
    WWW_AUTHENTICATE,
];

/// Returns the edge configuration. `public_url` makes the `type` of problems absolute.
#[must_use]
pub fn config(public_url: Option<&str>, proxies: TrustedProxies, cors: CorsPolicy) -> EdgeConfig {
    let base = public_url.unwrap_or_default().trim_end_matches('/');
    EdgeConfig::new(problem::from_fault)
        .with_problem_types(format!("{base}/docs/errors/"))
        .with_api_prefix(API_PREFIX)
        .with_body_limit(STRIPE_WEBHOOKS, WEBHOOK_BODY_LIMIT)
        .with_trusted_proxies(proxies)
        .with_cors(cors.allowing(&CORS_METHODS).exposing(&EXPOSED_HEADERS))
}
