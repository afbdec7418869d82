//! The sandbox's own endpoints. They accept any test key and forms in the API's format.

use axum::extract::Request;
use axum::response::Response;
use serde_json::Value;

use super::auth::authenticate;
use super::error::ApiError;
use super::params::Params;
use super::request::read_params;
use super::response::{plain, refusal};

/// Authenticates a control request, runs the handler on its parameters and returns the response.
pub(super) async fn respond(
    request: Request,
    work: impl AsyncFnOnce(Params) -> Result<Value, ApiError>,
) -> Response {
    let (parts, body) = request.into_parts();
    let outcome = async {
        authenticate(&parts.headers)?;
        work(read_params(&parts, body).await?).await
    };
    match outcome.await {
        Ok(value) => plain(&value, &parts.headers),
        Err(error) => refusal(&error, &parts.headers),
    }
}
