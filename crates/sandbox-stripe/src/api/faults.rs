//! Fault injection: a header or a rule delays, refuses, fails, drops or truncates a call.

mod control;
mod fault;
mod truncated;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use http_body_util::BodyExt as _;

pub(crate) use self::control::router;
use self::fault::{Break, Fault, Status};
use super::auth::authenticate;
use super::error::ApiError;
use super::response::refusal;
use crate::connection::ConnectionHandle;

/// The header that requests a fault for its own call.
const HEADER: HeaderName = HeaderName::from_static("sandbox-fault");

/// Stripe's reason header on rate-limited responses (<https://docs.stripe.com/rate-limits>).
const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");

/// Maximum pending rules; our limit.
const MAX_RULES: usize = 100;

/// The pending fault rules, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Rules>>);

#[derive(Debug, Default)]
struct Rules {
    made: u64,
    pending: Vec<Rule>,
}

/// A rule that injects this fault into the next calls of some operations.
#[derive(Clone, Debug)]
struct Rule {
    id: u64,
    fault: Fault,
    /// None matches any method.
    method: Option<Method>,
    /// An operation's path in the schema's form, or an object's path. None matches any path.
    path: Option<String>,
    times: u32,
}

/// The fault for the pipeline to apply, passed in the request's extensions.
#[derive(Clone, Debug, Default)]
pub(crate) struct InjectedFault {
    delay: Option<Duration>,
    /// The error that replaces the operation's result.
    pub(crate) failure: Option<ApiError>,
}

impl InjectedFault {
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Waits for the delay.
    pub(crate) async fn wait(&self) {
        pause(self.delay).await;
    }
}

async fn pause(delay: Option<Duration>) {
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
}

/// Applies the fault of this call, if it has one.
pub(crate) async fn inject(
    State(faults): State<Faults>,
    mut request: Request,
    next: Next,
) -> Response {
    let fault = match faults.of(&request) {
        Ok(Some(fault)) => fault,
        Ok(None) => return next.run(request).await,
        Err(error) => return refusal(&error, request.headers()),
    };
    tracing::info!(
    method = request.method().as_str(),
    path = request.uri().path(),
    %fault,
    "injecting a fault"
    );
    // Without the sandbox's accept loop (in tests) there is no connection to close.
    let connection = request.extensions().get::<ConnectionHandle>().cloned().unwrap_or_default();
    if fault.broken == Some(Break::Before) {
        pause(fault.delay).await;
        return connection.close_without_response().await;
    }
    let response = match fault.status {
        Some(Status::RateLimited) => {
            pause(fault.delay).await;
            let mut response = refusal(&ApiError::rate_limited(), request.headers());
            response
                .headers_mut()
                .insert(RATE_LIMITED_REASON, HeaderValue::from_static("global-rate"));
            response
        }
        Some(Status::Locked) => {
            pause(fault.delay).await;
            refusal(&ApiError::locked(), request.headers())
        }
        // The pipeline waits, because it holds the call's idempotency key during the delay.
        Some(Status::Failed) | None => {
            let failure = fault.status.map(|_| ApiError::injected());
            request.extensions_mut().insert(InjectedFault { delay: fault.delay, failure });
            next.run(request).await
        }
    };
    match fault.broken {
        Some(Break::After) => connection.close_without_response().await,
        Some(Break::Within) => truncate(response, connection).await,
        Some(Break::Before) | None => response,
    }
}

/// Sends half of the body with the full `Content-Length`.
async fn truncate(response: Response, connection: ConnectionHandle) -> Response {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response =
        Response::from_parts(parts, Body::new(truncated::Truncated::new(&whole, connection)));
    response.headers_mut().insert(header::CONTENT_LENGTH, whole.len().into());
    response
}

impl Faults {
    /// Returns the header's fault, or else the fault of the oldest matching rule and uses it once.
    fn of(&self, request: &Request) -> Result<Option<Fault>, ApiError> {
        let asked = request.headers().get(&HEADER);
        if asked.is_none() && self.lock().pending.is_empty() {
            return Ok(None);
        }
        // The pipeline returns the authentication error.
        if authenticate(request.headers()).is_err() {
            return Ok(None);
        }
        if let Some(value) = asked {
            let text = value.to_str().unwrap_or_default();
            return text.parse().map(Some).map_err(|error: fault::FaultError| {
                ApiError::refused(400, None, format!("Invalid Sandbox-Fault header: {error}"))
            });
        }
        Ok(self.take(request))
    }

    fn take(&self, request: &Request) -> Option<Fault> {
        let operation = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let mut rules = self.lock();
        let index = rules.pending.iter().position(|rule| {
            rule.method.as_ref().is_none_or(|method| method == request.method())
                && rule
                    .path
                    .as_ref()
                    .is_none_or(|path| path == operation || path == request.uri().path())
        })?;
        let rule = rules.pending.get_mut(index)?;
        let fault = rule.fault;
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            rules.pending.remove(index);
        }
        Some(fault)
    }

    fn add(&self, mut rule: Rule) -> Result<Rule, ApiError> {
        let mut rules = self.lock();
        if rules.pending.len() >= MAX_RULES {
            let message = format!(
                "There are {MAX_RULES} fault rules already; DELETE /sandbox/faults deletes them."
            );
            return Err(ApiError::refused(400, None, message));
        }
        rules.made += 1;
        rule.id = rules.made;
        rules.pending.push(rule.clone());
        Ok(rule)
    }

    fn pending(&self) -> Vec<Rule> {
        self.lock().pending.clone()
    }

    fn forget(&self) -> usize {
        std::mem::take(&mut self.lock().pending).len()
    }

    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
