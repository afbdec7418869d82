//! [`edge_layers`]: the middleware around all routes.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, SERVER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode};
use http_body::Body as _;
use tracing::Instrument;

use crate::access::AccessRecord;
use crate::answer::WatchedBody;
use crate::client_address::ClientAddress;
use crate::connection::{PeerAddr, Refused};
use crate::cors::{CorsPolicy, CrossOrigin};
use crate::fault::Fault;
use crate::json::{BodyLimit, DEFAULT_BODY_LIMIT};
use crate::limits::DecisionSlot;
use crate::problem::Problem;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::trusted_proxies::TrustedProxies;

/// Maps a fault of the edge to a problem with status, code and text.
pub type Renderer = Arc<dyn Fn(&Fault) -> Problem + Send + Sync>;

/// Configuration of [`edge_layers`].
#[derive(Clone)]
pub struct EdgeConfig {
    renderer: Renderer,
    problem_types: String,
    api_prefix: Option<String>,
    body_limits: Vec<(String, usize)>,
    trusted_proxies: TrustedProxies,
    cors: CorsPolicy,
}

impl fmt::Debug for EdgeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EdgeConfig")
            .field("problem_types", &self.problem_types)
            .field("api_prefix", &self.api_prefix)
            .field("body_limits", &self.body_limits)
            .field("trusted_proxies", &self.trusted_proxies)
            .field("cors", &self.cors)
            .finish_non_exhaustive()
    }
}

impl EdgeConfig {
    /// Creates a configuration with a body limit of 16 KiB, no prefix of problem types, no API
    /// prefix, no trusted proxies and closed CORS.
    pub fn new(renderer: impl Fn(&Fault) -> Problem + Send + Sync + 'static) -> Self {
        Self {
            renderer: Arc::new(renderer),
            problem_types: String::new(),
            api_prefix: None,
            body_limits: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            cors: CorsPolicy::default(),
        }
    }

    /// Sets the prefix of a problem's `type` (a URI reference). The problem's code follows it.
    #[must_use]
    pub fn with_problem_types(mut self, prefix: impl Into<String>) -> Self {
        self.problem_types = prefix.into();
        self
    }

    /// Sets the path prefix of the API. Only responses under it are always `no-store` and subject
    /// to CORS.
    #[must_use]
    pub fn with_api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api_prefix = Some(prefix.into());
        self
    }

    /// Sets the body limit, in bytes, of the route with exactly this pattern.
    #[must_use]
    pub fn with_body_limit(mut self, route: impl Into<String>, bytes: usize) -> Self {
        self.body_limits.push((route.into(), bytes));
        self
    }

    /// Sets the proxies whose `X-Forwarded-For` is trusted.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Sets the origins whose pages may call the API, and the response headers they may read.
    #[must_use]
    pub fn with_cors(mut self, policy: CorsPolicy) -> Self {
        self.cors = policy;
        self
    }

    fn body_limit(&self, route: Option<&str>) -> usize {
        let own = self.body_limits.iter().find(|(path, _)| Some(path.as_str()) == route);
        own.map_or(DEFAULT_BODY_LIMIT, |(_, bytes)| *bytes)
    }
}

/// Wraps all routes of `router`, including its fallback. Call it last, on the finished router.
///
/// The middleware:
/// - adds a [`RequestId`] and a [`ClientAddress`] to the request extensions;
/// - refuses bodies by their declared size and answers preflights of listed origins;
/// - turns [`Fault`]s, [`Problem`]s, panics and axum's empty 404 and 405 into problem responses;
/// - writes the common headers, the [attached](crate::Decision::attach_to) rate limit, the access
///   log and the metrics.
pub fn edge_layers(router: Router, config: EdgeConfig) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(config), edge))
}

async fn edge(State(config): State<Arc<EdgeConfig>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    // A refused head has a placeholder request, whose method is not the client's.
    let method = request.extensions().get::<Refused>().is_none().then_some(request.method());
    let limit = config.body_limit(route);
    let path = request.uri().path();
    let is_api = config.api_prefix.as_deref().is_some_and(|prefix| path.starts_with(prefix));
    let mut access = AccessRecord::begin(method, route, is_api, id.clone());
    let cross_origin = if is_api { config.cors.classify(&request) } else { CrossOrigin::Closed };
    let decision_slot = DecisionSlot::default();

    let answer = match early_fault(&request, limit) {
        Some(fault) => fault.into_response(),
        None => {
            request.extensions_mut().insert(id.clone());
            request.extensions_mut().insert(BodyLimit(limit));
            request.extensions_mut().insert(decision_slot.clone());
            if let Some(PeerAddr(peer)) = request.extensions().get() {
                let client =
                    ClientAddress::of(peer.ip(), request.headers(), &config.trusted_proxies);
                request.extensions_mut().insert(client);
            }
            // The span has the highest level, so that log filters keep the request id.
            let span = tracing::error_span!("request", request_id = %id);
            let run = async {
                AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(panicked)
            };
            run.instrument(span).await
        }
    };

    let (mut answer, code) = render(cross_origin.preflight(answer), &config, &id);
    add_common_headers(&mut answer, is_api, code.is_some(), &id);
    decision_slot.write(answer.headers_mut());
    cross_origin.add_headers(answer.headers_mut());
    access.set_response(answer.status(), code);
    answer.map(|body| Body::new(WatchedBody::new(body, access)))
}

/// Returns the fault of a request that is refused before any handler or credential check.
fn early_fault(request: &Request, limit: usize) -> Option<Fault> {
    if let Some(Refused(fault)) = request.extensions().get() {
        return Some(fault.clone());
    }
    // `OPTIONS *` and CONNECT have no path, so no route matches.
    if request.method() == Method::CONNECT || !request.uri().path().starts_with('/') {
        return Some(Fault::NotFound);
    }
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A length beyond usize is too long. Invalid numbers were refused with the head.
    let too_long =
        declared.is_some_and(|bytes| usize::try_from(bytes).map_or(true, |bytes| bytes > limit));
    too_long.then_some(Fault::PayloadTooLarge)
}

fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<&str>().copied();
    let cause = text
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(cause, "a handler panicked");
    Fault::Panic.into_response()
}

/// Turns carriers of problems and faults into problem responses. Returns the response and its code.
fn render(
    mut answer: Response,
    config: &EdgeConfig,
    id: &RequestId,
) -> (Response, Option<&'static str>) {
    let problem = answer.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| {
        let fault = answer.extensions_mut().remove::<Fault>().or_else(|| axum_fault(&answer))?;
        Some((config.renderer)(&fault))
    });
    match problem {
        None => (answer, None),
        Some(problem) => {
            let code = problem.code;
            (
                problem.render(&config.problem_types, id, std::mem::take(answer.headers_mut())),
                Some(code),
            )
        }
    }
}

/// Recognises the responses that axum creates without a handler: a status and no content.
fn axum_fault(answer: &Response) -> Option<Fault> {
    if answer.headers().contains_key(CONTENT_TYPE) || answer.body().size_hint().exact() != Some(0) {
        return None;
    }
    match answer.status() {
        StatusCode::NOT_FOUND => Some(Fault::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(Fault::MethodNotAllowed),
        _ => None,
    }
}

fn add_common_headers(answer: &mut Response, api: bool, problem: bool, id: &RequestId) {
    let headers = answer.headers_mut();
    // Outside the API (documents) a handler may set its own `Cache-Control`.
    if api || problem || !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_REQUEST_ID, id.header_value());
    headers.remove(SERVER);
}
