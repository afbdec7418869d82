//! Responses in Stripe's format: the body and the headers of every response.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::error::ApiError;
use super::idempotency::Outcome;
use crate::ids::{self, IdKind};
use crate::version::{API_VERSION, is_version};
use crate::view;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");
pub(crate) const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A response before its headers are added.
pub(super) struct PendingResponse {
    pub(super) outcome: Outcome,
    pub(super) replayed: bool,
}

/// Returns an error response for a request without an operation.
pub(super) fn refusal(error: &ApiError, request: &HeaderMap) -> Response {
    let request_id = ids::generate(IdKind::Request).unwrap_or_default();
    respond(PendingResponse::error(error, &request_id), request, &request_id)
}

/// Returns a value as response for a request without an operation.
pub(super) fn plain(value: &Value, request: &HeaderMap) -> Response {
    let request_id = ids::generate(IdKind::Request).unwrap_or_default();
    respond(PendingResponse::new(value, &request_id), request, &request_id)
}

impl PendingResponse {
    pub(super) fn new(value: &Value, request_id: &str) -> Self {
        Self::of(200, value, request_id)
    }

    pub(super) fn error(error: &ApiError, request_id: &str) -> Self {
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

pub(super) fn respond(pending: PendingResponse, request: &HeaderMap, request_id: &str) -> Response {
    let PendingResponse { outcome, replayed } = pending;
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
