//! `DELETE /api/v1/api-keys/{id}`: revokes an API key.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::Actor;
use http::Uri;
use http_edge::{Fault, Problem};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{API_KEY, Owner, id_parameter, key_id};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::openapi;
use crate::problem;
use crate::state::AppState;

const MESSAGE: &str = "The API key was revoked.";

#[derive(Serialize, ToSchema)]
#[schema(as = Done)]
pub(crate) struct Answer {
    /// Always true.
    success: bool,
    message: &'static str,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::delete(API_KEY, revoke)
        .operation("revokeApiKey", openapi::API_KEYS, "Revoke an API key")
        .description(
            "Takes effect on every replica within 5 seconds. Revoking a revoked key succeeds.",
        )
        .credential::<AccessToken>()
        .parameter(id_parameter())
        .returns::<Answer>(
            200,
            "The key is revoked.",
            Some(json!({ "success": true, "message": MESSAGE })),
        )
}

async fn revoke(
    State(app): State<Arc<AppState>>,
    caller: Owner,
    uri: Uri,
) -> Result<Json<Answer>, Problem> {
    let id = key_id(&uri).ok_or_else(|| problem::from_fault(&Fault::NotFound))?;
    let owner = &caller.principal.owner;
    let revoked = app.keys.revoke(&id, Some(owner), Actor::User, caller.origin).await;
    revoked.map_err(problem::from_api_key_error)?;
    Ok(Json(Answer { success: true, message: MESSAGE }))
}
