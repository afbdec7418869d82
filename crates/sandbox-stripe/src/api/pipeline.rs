//! From a request to an answer: credential, version, parameters, idempotency, the operation, the headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, on};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::auth::authenticate;
use super::error::{ApiError, excerpt};
use super::faults::{self, Faults, Ordeal};
use super::idempotency::{Begun, Fingerprint, IdempotencyKeys, Outcome};
use super::operations::{Call, Method, OPERATIONS, Operation, Reply};
use super::params::Params;
use super::version::{API_VERSION, is_version};
use super::{expand, form, view};
use crate::body;
use crate::ids::{self, IdKind};
use crate::model::Origin;
use crate::state::{State, Store};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
pub(crate) const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The API over a state.
#[derive(Clone)]
pub(crate) struct Api {
    store: Arc<Store>,
    base_url: Arc<str>,
    keys: IdempotencyKeys,
}

/// What is answered, before it is a response.
struct Answer {
    outcome: Outcome,
    replayed: bool,
}

/// Addresses of Stripe's that the sandbox does not offer, and that would pass for those of an object.
const NO_OBJECTS: &[&str] = &[
    "/v1/customers/search",
    "/v1/invoices/search",
    "/v1/invoices/upcoming",
    "/v1/prices/search",
    "/v1/products/search",
    "/v1/subscriptions/search",
];

/// The routes of the API.
pub(crate) fn router(api: &Api) -> Router {
    let faults = Faults::default();
    let operations = OPERATIONS.iter().fold(Router::new(), |router, operation| {
        let api = api.clone();
        let handler = move |request: Request| {
            let api = api.clone();
            async move { api.answer(operation, request).await }
        };
        router.route(operation.path, on(operation.method.filter(), handler))
    });
    let operations = operations.route_layer(from_fn_with_state(faults.clone(), faults::intervene));
    let routes =
        NO_OBJECTS.iter().fold(operations, |router, path| router.route(path, any(unrecognized)));
    routes.merge(faults::router(faults))
}

/// The answer where there is no such operation.
pub(crate) async fn unrecognized(request: Request) -> Response {
    let message = format!(
        "Unrecognized request URL ({}: {}). This sandbox offers a part of Stripe's API.",
        request.method(),
        excerpt(request.uri().path())
    );
    refusal(&ApiError::refused(404, None, message), request.headers())
}

/// An error as a response, where no operation was called.
pub(crate) fn refusal(error: &ApiError, request: &HeaderMap) -> Response {
    let request_id = ids::fresh(IdKind::Request).unwrap_or_default();
    respond(Answer::error(error, &request_id), request, &request_id)
}

/// A value as a response, where no operation was called.
pub(crate) fn plain(value: &Value, request: &HeaderMap) -> Response {
    let request_id = ids::fresh(IdKind::Request).unwrap_or_default();
    respond(Answer::of(200, value, &request_id), request, &request_id)
}

impl Api {
    pub(crate) fn new(store: Arc<Store>, base_url: Arc<str>) -> Self {
        Self { store, base_url, keys: IdempotencyKeys::default() }
    }

    async fn answer(&self, operation: &'static Operation, request: Request) -> Response {
        let request_id = ids::fresh(IdKind::Request).unwrap_or_default();
        let (mut parts, body) = request.into_parts();
        let answer = match self.perform(operation, &mut parts, body, &request_id).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::debug!(
                    request_id,
                    code = error.code,
                    param = error.param,
                    message = error.message,
                    "refused"
                );
                Answer::error(&error, &request_id)
            }
        };
        tracing::info!(
            request_id,
            method = parts.method.as_str(),
            path = operation.path,
            status = answer.outcome.status,
            replayed = answer.replayed,
            "api call"
        );
        respond(answer, &parts.headers, &request_id)
    }

    async fn perform(
        &self,
        operation: &'static Operation,
        parts: &mut Parts,
        body: Body,
        request_id: &str,
    ) -> Result<Answer, ApiError> {
        let caller = authenticate(&parts.headers)?;
        check_version(&parts.headers)?;
        let arguments = arguments(parts).await?;
        let params = read_params(parts, body).await?;
        let origin = Origin { request: Some(request_id.to_owned()), idempotency_key: None };
        let ordeal = Ordeal::of(parts);
        let failure = ordeal.failure.clone();
        let run = |params, origin| {
            failure.map_or_else(|| self.run(operation, &arguments, params, origin), Err)
        };
        let key =
            if operation.method == Method::Post { idempotency_key(&parts.headers)? } else { None };
        let Some(key) = key else {
            ordeal.wait().await;
            return Ok(Answer::new(run(params, origin)?, request_id));
        };
        let origin = Origin { idempotency_key: Some(key.clone()), ..origin };
        let print = Fingerprint { path: parts.uri.path().to_owned(), params: params.digest() };
        // The key is in use from here on, also while the call is delayed.
        let begun = self.keys.begin(caller, &key, print, self.store.now())?;
        ordeal.wait().await;
        Self::once(begun, request_id, || run(params, origin))
    }

    /// Runs the work unless it was done under this key before.
    fn once(
        begun: Begun,
        request_id: &str,
        work: impl FnOnce() -> Result<Value, ApiError>,
    ) -> Result<Answer, ApiError> {
        let claim = match begun {
            Begun::Again(outcome) => return Ok(Answer { outcome, replayed: true }),
            Begun::First(claim) => claim,
        };
        let answer = match work() {
            Ok(value) => Answer::new(value, request_id),
            Err(error) if error.remembered => Answer::error(&error, request_id),
            Err(error) => return Err(error),
        };
        claim.finish(answer.outcome.clone());
        Ok(answer)
    }

    fn run(
        &self,
        operation: &Operation,
        arguments: &[(String, String)],
        mut params: Params,
        origin: Origin,
    ) -> Result<Value, ApiError> {
        let paths = params.texts("expand")?.unwrap_or_default();
        expand::check(operation.answers, &paths)?;
        let work = |transaction: &mut crate::state::Transaction<'_>| {
            transaction.set_origin(origin);
            (operation.run)(&mut Call { transaction, arguments, params, base_url: &self.base_url })
        };
        let show = |reply: Reply, state: &State| {
            let mut value = match reply {
                Reply::Value(value) => value,
                Reply::Refused(error) => return Err(error),
                Reply::Object(id) => view::object(state, &id).ok_or_else(|| {
                    tracing::error!(
                        path = operation.path,
                        "an operation answered an object that is not there"
                    );
                    ApiError::internal()
                })?,
            };
            expand::apply(&mut value, &paths, state);
            Ok(value)
        };
        match operation.method {
            Method::Get => self.store.inspect(work, show)?,
            Method::Post | Method::Delete => self.store.transact_then(work, show)?,
        }
    }
}

impl Answer {
    fn new(value: Value, request_id: &str) -> Self {
        Self::of(200, &value, request_id)
    }

    fn error(error: &ApiError, request_id: &str) -> Self {
        Self::of(error.status, &error.to_body(), request_id)
    }

    fn of(status: u16, value: &Value, request_id: &str) -> Self {
        let body = view::text(value);
        Self {
            outcome: Outcome { status, body, request_id: request_id.to_owned() },
            replayed: false,
        }
    }
}

fn respond(answer: Answer, request: &HeaderMap, request_id: &str) -> Response {
    let Answer { outcome, replayed } = answer;
    let mut response = Response::new(Body::from(outcome.body));
    *response.status_mut() =
        StatusCode::from_u16(outcome.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let asked =
        request.get(&STRIPE_VERSION).filter(|value| value.to_str().is_ok_and(is_version)).cloned();
    headers.insert(STRIPE_VERSION, asked.unwrap_or(HeaderValue::from_static(API_VERSION)));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(key) = request.get(&IDEMPOTENCY_KEY) {
        headers.insert(IDEMPOTENCY_KEY, key.clone());
        if let Ok(value) = HeaderValue::from_str(&outcome.request_id) {
            headers.insert(ORIGINAL_REQUEST, value);
        }
    }
    if replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    if outcome.status == 401 {
        headers
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Stripe\""));
    }
    response
}

fn check_version(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(version) = headers.get(&STRIPE_VERSION) else { return Ok(()) };
    match version.to_str() {
        Ok(text) if is_version(text) => Ok(()),
        _ => Err(ApiError::refused(
            400,
            None,
            "Invalid Stripe API version: a version looks like 2026-05-27.dahlia",
        )),
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(key) = headers.get(&IDEMPOTENCY_KEY) else { return Ok(None) };
    match key.to_str() {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(ApiError::refused(
            400,
            None,
            "An idempotency key is made of printable ASCII characters.",
        )),
    }
}

async fn arguments(parts: &mut Parts) -> Result<Vec<(String, String)>, ApiError> {
    let arguments = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::refused(400, None, "The path is not valid UTF-8."))?;
    Ok(arguments.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

pub(crate) async fn read_params(parts: &Parts, body: Body) -> Result<Params, ApiError> {
    let refused = |error: form::FormError| match &error {
        form::FormError::Text(name) => ApiError::invalid(None, name.as_str(), error.to_string()),
        _ => ApiError::refused(400, None, error.to_string()),
    };
    let mut nodes = BTreeMap::new();
    form::parse(parts.uri.query().unwrap_or_default().as_bytes(), &mut nodes).map_err(refused)?;
    let body = body::read(body)
        .await
        .map_err(|error| ApiError::refused(error.status(), None, error.to_string()))?;
    if !body.is_empty() {
        check_media_type(&parts.headers)?;
        form::parse(&body, &mut nodes).map_err(refused)?;
    }
    Ok(Params::new(nodes))
}

/// Clients that name no media type are taken to send a form, as curl's `-d` does by naming it.
fn check_media_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let media_type =
        value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    let message =
        "Invalid request (check that your POST content type is application/x-www-form-urlencoded).";
    Err(ApiError::refused(400, None, message))
}

impl Params {
    /// The same for the same parameters, whatever their order and spelling.
    fn digest(&self) -> [u8; 32] {
        // The tree is sorted, and Debug escapes what it quotes: different trees have different texts.
        Sha256::digest(format!("{self:?}")).into()
    }
}
