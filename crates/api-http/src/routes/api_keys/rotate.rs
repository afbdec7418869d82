//! `POST /api/v1/api-keys/{id}/rotate`: rotates an API key.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use billing_domain::Actor;
use http::{StatusCode, Uri};
use http_edge::{Fault, Problem, StrictJson};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Required;

use super::{Created, Owner, ROTATE, id_parameter, invalid_field, key_id};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::openapi;
use crate::problem;
use crate::state::AppState;

/// Default overlap of the old and the new key (1 day), in seconds.
const DEFAULT_OVERLAP: u64 = 24 * 60 * 60;
/// Maximum overlap (30 days), in seconds.
const MAX_OVERLAP: u64 = 30 * 24 * 60 * 60;
const MESSAGE: &str = "The API key was rotated.";

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = RotateApiKey)]
pub(crate) struct Body {
    /// Seconds for which the old key stays valid.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: Option<u64>,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::post(ROTATE, rotate)
        .operation("rotateApiKey", openapi::API_KEYS, "Rotate an API key")
        .description(
            "Creates a new key with the same name, description, permissions, return origins and \
             expiry. The old key stays valid for the overlap, or until it expires.",
        )
        .credential::<AccessToken>()
        .parameter(id_parameter())
        .json_body::<Body>(
            Required::False,
            [("anHour", "Both keys are valid for one hour", json!({ "overlapSeconds": 3600 }))],
        )
        .returns::<Created>(
            201,
            "The new key. It is shown only once.",
            Some(Created::example(MESSAGE)),
        )
}

async fn rotate(
    State(app): State<Arc<AppState>>,
    caller: Owner,
    uri: Uri,
    StrictJson(body): StrictJson<Body>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let id = key_id(&uri).ok_or_else(|| problem::from_fault(&Fault::NotFound))?;
    let overlap = body.overlap_seconds.unwrap_or(DEFAULT_OVERLAP);
    if overlap > MAX_OVERLAP {
        let why = "it can be at most 2592000 (30 days)";
        return Err(problem::invalid_request(invalid_field("overlapSeconds", why)));
    }
    let (owner, overlap) = (caller.principal.owner, Duration::from_secs(overlap));
    let rules = Some((&owner, &app.key_rules));
    let rotated = app.issuer.rotate(&id, rules, overlap, Actor::User, caller.origin).await;
    rotated
        .map(|created| Created::answer(&app, &created, MESSAGE))
        .map_err(problem::from_api_key_error)
}
