//! The sandbox's own endpoints: whoever has a test key may call them, with forms as the API takes them.

use axum::extract::Request;
use axum::response::Response;
use serde_json::Value;

use super::auth::authenticate;
use super::error::ApiError;
use super::params::Params;
use super::request::read_params;
use super::response::{plain, refusal};

/// Answers a call with what the work makes of its parameters.
pub(super) async fn answer(
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
