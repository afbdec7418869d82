//! Reads the parameters of a request from its query and its form.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::error::ApiError;
use super::form;
use super::params::Params;
use crate::body;

pub(super) async fn read_params(parts: &Parts, body: Body) -> Result<Params, ApiError> {
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

/// Accepts forms only. A missing media type means a form.
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
