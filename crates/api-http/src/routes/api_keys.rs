//! `/api/v1/api-keys`: a user's own API keys, managed with an access token.

mod create;
mod list;
mod revoke;
mod rotate;

use std::fmt::Display;

use axum::Json;
use billing_domain::{ApiKeyId, CreatedKey, Operation, OriginPattern, Permission};
use http::{StatusCode, Uri};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{Ref, Required};

use crate::caller::{AccessToken, Caller, Purpose};
use crate::endpoint::Endpoint;
use crate::state::AppState;
use crate::timestamps::rfc3339;

const API_KEYS: &str = "/api/v1/api-keys";
const API_KEY: &str = "/api/v1/api-keys/{id}";
const ROTATE: &str = "/api/v1/api-keys/{id}/rotate";

/// Manages API keys.
#[derive(Debug)]
pub(crate) struct ManagesKeys;

impl Purpose for ManagesKeys {
    const OPERATION: Operation = Operation::ManageApiKeys;
    const ACCESS_TOKEN_ROUTE: &'static str = API_KEYS;
    const API_KEY_ROUTE: Option<&'static str> = None;
}

/// The user whose keys these are.
type Owner = Caller<AccessToken, ManagesKeys>;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![create::endpoint(), list::endpoint(), revoke::endpoint(), rotate::endpoint()]
}

#[derive(ToSchema)]
#[schema(as = ApiKeyId, pattern = "^[0-9A-Za-z]{12,64}$")]
#[expect(dead_code, reason = "the schema of the domain's key ids")]
struct KeyId(String);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
struct Key {
    #[schema(value_type = KeyId)]
    id: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    key_preview: String,
    permissions: Vec<String>,
    return_origins: Vec<String>,
    is_active: bool,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(required, format = "date-time")]
    expires_at: Option<String>,
    #[schema(required, format = "date-time")]
    revoked_at: Option<String>,
    /// Give or take a minute.
    #[schema(required, format = "date-time")]
    last_used_at: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
#[serde(rename_all = "camelCase")]
struct Created {
    /// Always true.
    success: bool,
    message: &'static str,
    #[schema(inline)]
    api_key: KeyWithText,
    warning: &'static str,
}

#[derive(Serialize, ToSchema)]
struct KeyWithText {
    #[serde(flatten)]
    described: Key,
    /// The key itself. Keep it safe.
    key: String,
}

impl Created {
    /// The only answer that shows the text of the key.
    fn answer(
        app: &AppState,
        created: &CreatedKey,
        message: &'static str,
    ) -> (StatusCode, Json<Self>) {
        let api_key = KeyWithText {
            described: Key::new(app, &created.key),
            key: created.text.expose_secret().to_owned(),
        };
        let warning = "Keep the key safe: this is the only time that it is shown.";
        (StatusCode::CREATED, Json(Self { success: true, message, api_key, warning }))
    }

    fn example() -> Value {
        let mut key = Key::example();
        key["key"] = json!("llmgen_7WR5hzk0Q0Xc9fVI_…");
        json!({
            "success": true,
            "message": "The API key was created.",
            "apiKey": key,
            "warning": "Keep the key safe: this is the only time that it is shown."
        })
    }
}

impl Key {
    fn new(app: &AppState, key: &billing_domain::ApiKey) -> Self {
        Self {
            id: key.id.as_str().to_owned(),
            name: key.name.as_str().to_owned(),
            description: key.description.as_ref().map(|text| text.as_str().to_owned()),
            key_preview: app.issuer.preview(&key.id),
            permissions: key.permissions.iter().map(Permission::to_string).collect(),
            return_origins: key.return_origins.iter().map(OriginPattern::to_string).collect(),
            is_active: key.is_active(app.clock.now()),
            created_at: rfc3339(key.created_at),
            expires_at: key.expires_at.map(rfc3339),
            revoked_at: key.revoked_at.map(rfc3339),
            last_used_at: key.last_used_at.map(rfc3339),
        }
    }

    fn example() -> Value {
        json!({
            "id": "7WR5hzk0Q0Xc9fVI",
            "name": "CI",
            "description": null,
            "keyPreview": "llmgen_7WR5hzk0Q0Xc9fVI_…",
            "permissions": ["subscriptions:portal"],
            "returnOrigins": [],
            "isActive": true,
            "createdAt": "2026-11-22T12:00:00Z",
            "expiresAt": null,
            "revokedAt": null,
            "lastUsedAt": null
        })
    }
}

/// The path parameter `id`.
fn id_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("The key's id."))
        .schema(Some(Ref::from_schema_name("ApiKeyId")))
        .build()
}

/// The id in the raw path: another spelling of it is another path (H6). Text that is not an id
/// names no key.
fn id_of(uri: &Uri) -> Option<ApiKeyId> {
    uri.path().split('/').nth(4)?.parse().ok()
}

/// The correction of a field that the client should make.
fn wrong(field: &str, why: impl Display) -> String {
    format!("Correct `{field}`: {why}.")
}
