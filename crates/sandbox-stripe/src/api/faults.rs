//! Unruly on demand: a header or a rule makes a call slow, refused, failed, unanswered or half answered.

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
use crate::line::Line;

/// The header that asks for a fault of its own call.
const HEADER: HeaderName = HeaderName::from_static("sandbox-fault");

/// Why Stripe refused, where it was for too many requests (<https://docs.stripe.com/rate-limits>).
const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");

/// More rules than any test needs.
const MOST_RULES: usize = 100;

/// The faults that are to come, in the order in which they were asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<Rules>>);

#[derive(Debug, Default)]
struct Rules {
    made: u64,
    pending: Vec<Rule>,
}

/// The next calls of some operations have this fault.
#[derive(Clone, Debug)]
struct Rule {
    id: u64,
    fault: Fault,
    /// None: any.
    method: Option<Method>,
    /// An operation's path as the schema writes it, or the path of one object; None: any.
    path: Option<String>,
    times: u32,
}

/// What the work of a call is to suffer, in the extensions of its request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ordeal {
    delay: Option<Duration>,
    /// What the call ends with in place of its work.
    pub(crate) failure: Option<ApiError>,
}

impl Ordeal {
    pub(crate) fn of(parts: &Parts) -> Self {
        parts.extensions.get::<Self>().cloned().unwrap_or_default()
    }

    /// Lets the delay pass.
    pub(crate) async fn wait(&self) {
        pause(self.delay).await;
    }
}

async fn pause(delay: Option<Duration>) {
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
}

/// Makes the fault of this call, where it is to have one.
pub(crate) async fn intervene(
    State(faults): State<Faults>,
    mut request: Request,
    next: Next,
) -> Response {
    let fault = match faults.of(&request) {
        Ok(Some(fault)) => fault,
        Ok(None) => return next.run(request).await,
        Err(error) => return refusal(&error, request.headers()),
    };
    tracing::info!(method = request.method().as_str(), path = request.uri().path(), %fault, "a fault was asked for");
    // A line that is not there is one that nobody can cut: the router runs without the sandbox's accept loop.
    let line = request.extensions().get::<Line>().cloned().unwrap_or_default();
    if fault.broken == Some(Break::Before) {
        pause(fault.delay).await;
        return line.hang_up().await;
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
        // The pipeline waits, for only it can hold the call's idempotency key meanwhile.
        Some(Status::Failed) | None => {
            let failure = fault.status.map(|_| ApiError::asked_for());
            request.extensions_mut().insert(Ordeal { delay: fault.delay, failure });
            next.run(request).await
        }
    };
    match fault.broken {
        Some(Break::After) => line.hang_up().await,
        Some(Break::Within) => truncate(response, line).await,
        Some(Break::Before) | None => response,
    }
}

/// The same answer, promised whole and half sent.
async fn truncate(response: Response, line: Line) -> Response {
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response =
        Response::from_parts(parts, Body::new(truncated::Truncated::new(&whole, line)));
    response.headers_mut().insert(header::CONTENT_LENGTH, whole.len().into());
    response
}

impl Faults {
    /// What the header asks for, or else the oldest rule that fits, which is then used up by one.
    fn of(&self, request: &Request) -> Result<Option<Fault>, ApiError> {
        let asked = request.headers().get(&HEADER);
        if asked.is_none() && self.lock().pending.is_empty() {
            return Ok(None);
        }
        // Who may not call gets the pipeline's word for that.
        if authenticate(request.headers()).is_err() {
            return Ok(None);
        }
        if let Some(value) = asked {
            let text = value.to_str().unwrap_or_default();
            return text.parse().map(Some).map_err(|error: fault::NoFault| {
                ApiError::refused(400, None, format!("The header Sandbox-Fault: {error}"))
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
        if rules.pending.len() >= MOST_RULES {
            let message = format!(
                "There are {MOST_RULES} faults to come already; DELETE /sandbox/faults forgets them."
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
