//! From request to response: credential, version, parameters, idempotency, operation, headers.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{any, on};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::auth::authenticate;
use super::call::{Call, Reply};
use super::error::{ApiError, excerpt};
use super::expand;
use super::faults::{self, Faults, InjectedFault};
use super::idempotency::{Fingerprint, IdempotencyKeys, KeyDecision};
use super::operations::{Method, OPERATIONS, Operation};
use super::params::Params;
use super::request::read_params;
use super::response::{IDEMPOTENCY_KEY, PendingResponse, STRIPE_VERSION, refusal, respond};
use crate::ids::{self, IdKind};
use crate::model::Origin;
use crate::state::State;
use crate::store::Store;
use crate::transaction::Transaction;
use crate::version::is_version;
use crate::view;

/// The shared state of the API.
#[derive(Clone)]
pub(crate) struct AppState {
    store: Arc<Store>,
    base_url: Arc<str>,
    keys: IdempotencyKeys,
}

/// Stripe's unsimulated paths that would otherwise match the path of an object.
const UNSIMULATED_PATHS: &[&str] = &[
    "/v1/customers/search",
    "/v1/invoices/search",
    "/v1/invoices/upcoming",
    "/v1/prices/search",
    "/v1/products/search",
    "/v1/subscriptions/search",
];

/// Returns the API's routes.
pub(crate) fn router(state: &AppState) -> Router {
    let faults = Faults::default();
    let operations = OPERATIONS.iter().fold(Router::new(), |router, operation| {
        let state = state.clone();
        let handler = move |request: Request| {
            let state = state.clone();
            async move { state.respond(operation, request).await }
        };
        router.route(operation.path, on(operation.method.filter(), handler))
    });
    let operations = operations.route_layer(from_fn_with_state(faults.clone(), faults::inject));
    let routes = UNSIMULATED_PATHS
        .iter()
        .fold(operations, |router, path| router.route(path, any(unknown_operation)));
    routes.merge(faults::router(faults))
}

/// Returns the response for an unknown operation.
pub(crate) async fn unknown_operation(request: Request) -> Response {
    let message = format!(
        "Unrecognized request URL ({}: {}). This sandbox offers a part of Stripe's API.",
        request.method(),
        excerpt(request.uri().path())
    );
    refusal(&ApiError::refused(404, None, message), request.headers())
}

impl AppState {
    pub(crate) fn new(store: Arc<Store>, base_url: Arc<str>) -> Self {
        Self { store, base_url, keys: IdempotencyKeys::default() }
    }

    async fn respond(&self, operation: &'static Operation, request: Request) -> Response {
        let request_id = ids::generate(IdKind::Request).unwrap_or_default();
        let (mut parts, body) = request.into_parts();
        let pending = match self.perform(operation, &mut parts, body, &request_id).await {
            Ok(pending) => pending,
            Err(error) => {
                tracing::debug!(
                    request_id,
                    code = error.code,
                    param = error.param,
                    message = error.message,
                    "request refused"
                );
                PendingResponse::error(&error, &request_id)
            }
        };
        tracing::info!(
            request_id,
            method = parts.method.as_str(),
            path = operation.path,
            status = pending.outcome.status,
            replayed = pending.replayed,
            "api call"
        );
        respond(pending, &parts.headers, &request_id)
    }

    async fn perform(
        &self,
        operation: &'static Operation,
        parts: &mut Parts,
        body: Body,
        request_id: &str,
    ) -> Result<PendingResponse, ApiError> {
        let caller = authenticate(&parts.headers)?;
        check_version(&parts.headers)?;
        let arguments = arguments(parts).await?;
        let params = read_params(parts, body).await?;
        let origin = Origin { request: Some(request_id.to_owned()), idempotency_key: None };
        let injected = InjectedFault::of(parts);
        let failure = injected.failure.clone();
        let run = |params, origin| {
            failure.map_or_else(|| self.run(operation, &arguments, params, origin), Err)
        };
        let key =
            if operation.method == Method::Post { idempotency_key(&parts.headers)? } else { None };
        let Some(key) = key else {
            injected.wait().await;
            return Ok(PendingResponse::new(&run(params, origin)?, request_id));
        };
        let origin = Origin { idempotency_key: Some(key.clone()), ..origin };
        let fingerprint =
            Fingerprint { path: parts.uri.path().to_owned(), params: params.digest() };
        // The key stays in use during the delay.
        let decision = self.keys.begin(caller, &key, fingerprint, self.store.now())?;
        injected.wait().await;
        Self::once(decision, request_id, || run(params, origin))
    }

    /// Runs the work once per key. A repetition gets the stored outcome.
    fn once(
        decision: KeyDecision,
        request_id: &str,
        work: impl FnOnce() -> Result<Value, ApiError>,
    ) -> Result<PendingResponse, ApiError> {
        let claim = match decision {
            KeyDecision::Replay(outcome) => return Ok(PendingResponse { outcome, replayed: true }),
            KeyDecision::First(claim) => claim,
        };
        let pending = match work() {
            Ok(value) => PendingResponse::new(&value, request_id),
            Err(error) if error.stored => PendingResponse::error(&error, request_id),
            Err(error) => return Err(error),
        };
        claim.finish(pending.outcome.clone());
        Ok(pending)
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
        let work = |transaction: &mut Transaction<'_>| {
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
                        "an operation returned the id of a missing object"
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
            "An idempotency key may contain printable ASCII characters only.",
        )),
    }
}

async fn arguments(parts: &mut Parts) -> Result<Vec<(String, String)>, ApiError> {
    let arguments = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|_| ApiError::refused(400, None, "The path is not valid UTF-8."))?;
    Ok(arguments.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

impl Params {
    /// Returns a digest that ignores the parameters' order and encoding.
    fn digest(&self) -> [u8; 32] {
        // The tree is sorted, and Debug escapes its strings: different trees have different texts.
        Sha256::digest(format!("{self:?}")).into()
    }
}
