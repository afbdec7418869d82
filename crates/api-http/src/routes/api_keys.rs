//! `/api/v1/api-keys`: routes that manage the API keys of a user.

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

const WARNING: &str = "Store the key now. It is shown only once.";

/// Manages API keys.
#[derive(Debug)]
pub(crate) struct ManagesKeys;

impl Purpose for ManagesKeys {
    const OPERATION: Operation = Operation::ManageApiKeys;
    const ACCESS_TOKEN_ROUTE: &'static str = API_KEYS;
    const API_KEY_ROUTE: Option<&'static str> = None;
}

/// The owner of the keys.
type Owner = Caller<AccessToken, ManagesKeys>;

pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![create::endpoint(), list::endpoint(), revoke::endpoint(), rotate::endpoint()]
}

#[derive(ToSchema)]
#[schema(as = ApiKeyId, pattern = "^[0-9A-Za-z]{12,64}$")]
#[expect(dead_code, reason = "OpenAPI schema of the domain's key ids")]
struct KeyId(String);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
struct Key {
    /// Id of the key. It is not secret.
    #[schema(value_type = KeyId)]
    id: String,
    name: String,
    #[schema(required)]
    description: Option<String>,
    /// Prefix and id of the key, to recognise it.
    key_preview: String,
    permissions: Vec<String>,
    /// Origins that this key allows for return URLs, in addition to those of the service.
    return_origins: Vec<String>,
    /// Whether the key is neither revoked nor expired.
    is_active: bool,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(required, format = "date-time")]
    expires_at: Option<String>,
    /// Time of revocation. After a rotation it may be in the future.
    #[schema(required, format = "date-time")]
    revoked_at: Option<String>,
    /// Time of the last use, accurate to about a minute.
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
    /// The complete API key. Only this response contains it.
    key: String,
}

impl Created {
    /// Creates the only response that contains the key.
    fn answer(
        app: &AppState,
        created: &CreatedKey,
        message: &'static str,
    ) -> (StatusCode, Json<Self>) {
        let api_key = KeyWithText {
            described: Key::new(app, &created.key),
            key: created.text.expose_secret().to_owned(),
        };
        let warning = WARNING;
        (StatusCode::CREATED, Json(Self { success: true, message, api_key, warning }))
    }

    fn example(message: &str) -> Value {
        let mut key = Key::example();
        key["key"] = json!("llmgen_7WR5hzk0Q0Xc9fVI_…");
        json!({
            "success": true,
            "message": message,
            "apiKey": key,
            "warning": WARNING
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

/// Returns the path parameter `id`.
fn id_parameter() -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("Id of the API key."))
        .schema(Some(Ref::from_schema_name("ApiKeyId")))
        .build()
}

/// Returns the id in the raw path, because percent-encoded variants are other paths (H6).
fn key_id(uri: &Uri) -> Option<ApiKeyId> {
    uri.path().split('/').nth(4)?.parse().ok()
}

/// Returns the message for an invalid field.
fn invalid_field(field: &str, why: impl Display) -> String {
    format!("`{field}` is invalid: {why}.")
}
