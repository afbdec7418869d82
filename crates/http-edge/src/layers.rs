//! What every request passes on its way to a handler, and every answer on its way back.

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

use crate::access::Access;
use crate::answer::WatchedBody;
use crate::client_address::ClientAddress;
use crate::connection::{PeerAddr, Refused};
use crate::cors::{CorsPolicy, CrossOrigin};
use crate::fault::Fault;
use crate::json::{BodyLimit, DEFAULT_BODY_LIMIT};
use crate::limits::Announced;
use crate::problem::Problem;
use crate::request_id::{RequestId, X_REQUEST_ID};
use crate::trusted_proxies::TrustedProxies;

/// Decides which status, code and words a fault of the edge becomes.
pub type Renderer = Arc<dyn Fn(&Fault) -> Problem + Send + Sync>;

/// How the edge judges requests and words refusals.
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
    /// Bodies of at most 16 KiB, a problem's `type` is its code alone, no API prefix, no trusted
    /// proxies, CORS closed.
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

    /// Prefix of a problem's `type` (a URI reference); the problem's code follows it.
    #[must_use]
    pub fn with_problem_types(mut self, prefix: impl Into<String>) -> Self {
        self.problem_types = prefix.into();
        self
    }

    /// Prefix of the API's paths. Answers under it are `no-store`, and only they are subject to CORS.
    #[must_use]
    pub fn with_api_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.api_prefix = Some(prefix.into());
        self
    }

    /// Another body limit, in bytes, for the route with exactly this pattern.
    #[must_use]
    pub fn with_body_limit(mut self, route: impl Into<String>, bytes: usize) -> Self {
        self.body_limits.push((route.into(), bytes));
        self
    }

    /// Whose `X-Forwarded-For` says where a request comes from.
    #[must_use]
    pub fn with_trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    /// Origins whose pages may call the API, and the answer headers they may read.
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

/// Puts the edge around all routes of `router`, including its fallback: call it last, on the finished router.
///
/// It gives every request a [`RequestId`] and a [`ClientAddress`] (extensions) and every answer the headers that all
/// answers carry, refuses bodies by their declared size, answers preflights of listed origins, turns [`Fault`]s,
/// [`Problem`]s, panics and axum's bare 404 and 405 into problem answers, writes the limits that were
/// [announced](crate::Decision::announce), the access log and the metrics.
pub fn edge_layers(router: Router, config: EdgeConfig) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(config), edge))
}

async fn edge(State(config): State<Arc<EdgeConfig>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::of(request.headers());
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    // The method of a refused head's stand-in is not the client's.
    let method = request.extensions().get::<Refused>().is_none().then_some(request.method());
    let mut access = Access::begin(method, route, id.clone());
    let limit = config.body_limit(route);
    let path = request.uri().path();
    let api = config.api_prefix.as_deref().is_some_and(|prefix| path.starts_with(prefix));
    let cross_origin = if api { config.cors.judge(&request) } else { CrossOrigin::Closed };
    let announced = Announced::default();

    let answer = match refusal(&request, limit) {
        Some(fault) => fault.into_response(),
        None => {
            request.extensions_mut().insert(id.clone());
            request.extensions_mut().insert(BodyLimit(limit));
            request.extensions_mut().insert(announced.clone());
            if let Some(PeerAddr(peer)) = request.extensions().get() {
                let client =
                    ClientAddress::of(peer.ip(), request.headers(), &config.trusted_proxies);
                request.extensions_mut().insert(client);
            }
            // At the highest level, so that no filter takes the id from what is logged inside.
            let span = tracing::error_span!("request", request_id = %id);
            let run = async {
                AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(panicked)
            };
            run.instrument(span).await
        }
    };

    let (mut answer, code) = render(cross_origin.preflight(answer), &config, &id);
    mark(&mut answer, api, code.is_some(), &id);
    announced.write(answer.headers_mut());
    cross_origin.mark(answer.headers_mut());
    access.answered(answer.status(), code);
    answer.map(|body| Body::new(WatchedBody::new(body, access)))
}

/// What can be refused before a handler, and before any credential is looked at.
fn refusal(request: &Request, limit: usize) -> Option<Fault> {
    if let Some(Refused(fault)) = request.extensions().get() {
        return Some(fault.clone());
    }
    // `OPTIONS *` and the authority of a CONNECT are no paths, so no route has them.
    if request.method() == Method::CONNECT || !request.uri().path().starts_with('/') {
        return Some(Fault::NotFound);
    }
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    // A length that does not fit is only too long; what is no number never gets here.
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

/// Turns carriers into problem answers; gives the code with them.
fn render(
    mut answer: Response,
    config: &EdgeConfig,
    id: &RequestId,
) -> (Response, Option<&'static str>) {
    let problem = answer.extensions_mut().remove::<Problem>();
    let problem = problem.or_else(|| {
        let fault = answer.extensions_mut().remove::<Fault>().or_else(|| bare(&answer))?;
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

/// What axum answers by itself where no handler does: a status and nothing else.
fn bare(answer: &Response) -> Option<Fault> {
    if answer.headers().contains_key(CONTENT_TYPE) || answer.body().size_hint().exact() != Some(0) {
        return None;
    }
    match answer.status() {
        StatusCode::NOT_FOUND => Some(Fault::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => Some(Fault::MethodNotAllowed),
        _ => None,
    }
}

fn mark(answer: &mut Response, api: bool, problem: bool, id: &RequestId) {
    let headers = answer.headers_mut();
    // Elsewhere (documents) a handler may say how long its answer keeps.
    if api || problem || !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(X_REQUEST_ID, id.header_value());
    headers.remove(SERVER);
}
