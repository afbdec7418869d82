//! `POST /api/v1/api-keys/{id}/rotate`: creates the successor of an API key.

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

use super::{Created, Owner, ROTATE, id_of, id_parameter, wrong};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::openapi;
use crate::problem;
use crate::state::AppState;

/// Default overlap of a rotated key and its successor (a day), in seconds.
const DEFAULT_OVERLAP: u64 = 24 * 60 * 60;
/// Longest overlap (30 days), in seconds.
const LONGEST_OVERLAP: u64 = 30 * 24 * 60 * 60;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = RotateApiKey)]
pub(crate) struct Body {
    #[schema(minimum = 0, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: Option<u64>,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::post(ROTATE, rotate)
        .operation("rotateApiKey", openapi::API_KEYS, "Make a successor of an API key")
        .description(
            "The successor inherits everything. The key itself stays valid for the overlap, or \
             shorter where it expires anyway.",
        )
        .credential::<AccessToken>()
        .parameter(id_parameter())
        .json_body::<Body>(
            Required::False,
            [("anHour", "Both keys are valid for an hour", json!({ "overlapSeconds": 3600 }))],
        )
        .returns::<Created>(201, "The successor, shown once.", Some(Created::example()))
}

async fn rotate(
    State(app): State<Arc<AppState>>,
    caller: Owner,
    uri: Uri,
    StrictJson(body): StrictJson<Body>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let id = id_of(&uri).ok_or_else(|| problem::from_fault(&Fault::NotFound))?;
    let overlap = body.overlap_seconds.unwrap_or(DEFAULT_OVERLAP);
    if overlap > LONGEST_OVERLAP {
        let why = "it is at most 2592000, 30 days";
        return Err(problem::invalid_request(wrong("overlapSeconds", why)));
    }
    let (owner, overlap) = (caller.principal.owner, Duration::from_secs(overlap));
    let rules = Some((&owner, &app.key_rules));
    let rotated = app.issuer.rotate(&id, rules, overlap, Actor::User, caller.origin).await;
    rotated
        .map(|created| Created::answer(&app, &created, "The API key has a successor."))
        .map_err(problem::from_api_key_error)
}
