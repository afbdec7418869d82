//! `GET /api/v1/api-keys`: lists the caller's API keys.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http_edge::Problem;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{API_KEYS, Key, Owner};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::openapi;
use crate::problem;
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyList)]
pub(crate) struct Answer {
    api_keys: Vec<Key>,
    #[schema(value_type = u64)]
    total: usize,
}

pub(crate) fn endpoint() -> Endpoint {
    let example = json!({ "apiKeys": [Key::example()], "total": 1 });
    Endpoint::get(API_KEYS, list)
        .operation("listApiKeys", openapi::API_KEYS, "List the caller's API keys")
        .description(
            "Includes revoked and expired keys, oldest first. The service does not store \
                      the keys themselves, only their hashes.",
        )
        .credential::<AccessToken>()
        .returns::<Answer>(200, "The API keys of the caller.", Some(example))
}

async fn list(State(app): State<Arc<AppState>>, caller: Owner) -> Result<Json<Answer>, Problem> {
    let keys =
        app.keys.list(Some(&caller.principal.owner)).await.map_err(problem::from_api_key_error)?;
    let api_keys: Vec<Key> = keys.iter().map(|key| Key::new(&app, key)).collect();
    Ok(Json(Answer { total: api_keys.len(), api_keys }))
}
