//! `POST /api/v1/api-keys`: creates an API key.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::{Actor, NewApiKey, Permission, UserId};
use http::StatusCode;
use http_edge::{Problem, StrictJson};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::Required;

use super::{API_KEYS, Created, Owner, invalid_field};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi;
use crate::problem;
use crate::state::AppState;
use crate::timestamps::parse_rfc3339;

/// Maximum entries of a list in the body.
const MAX_ENTRIES: usize = 50;
const MESSAGE: &str = "The API key was created.";

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CreateApiKey)]
pub(crate) struct Body {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// Permissions as `area:action`. Default: `subscriptions:portal`, `subscriptions:checkout` and
    /// `subscriptions:read`.
    #[schema(min_items = 1, max_items = 50, value_type = Option<Vec<PermissionText>>)]
    permissions: Option<Vec<String>>,
    /// Expiry, a time in the future. Default: the key does not expire.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// Origins that this key allows for return URLs, in addition to those of the service. The
    /// service may restrict them.
    #[schema(max_items = 50)]
    return_origins: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[schema(as = Permission, pattern = "^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$")]
#[expect(dead_code, reason = "OpenAPI schema of the domain's permissions")]
struct PermissionText(String);

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::post(API_KEYS, create)
        .operation("createApiKey", openapi::API_KEYS, "Create an API key")
        .description("Only this response contains the key. A lost key cannot be recovered.")
        .credential::<AccessToken>()
        .json_body::<Body>(
            Required::True,
            [(
                "portalOnly",
                "A key for the portal that expires",
                json!({
                    "name": "CI",
                    "permissions": ["subscriptions:portal"],
                    "expiresAt": "2027-01-31T00:00:00Z"
                }),
            )],
        )
        .returns::<Created>(
            201,
            "The new key. It is shown only once.",
            Some(Created::example(MESSAGE)),
        )
        .errors(&[ErrorCode::InvalidReturnUrl, ErrorCode::TooManyApiKeys])
}

async fn create(
    State(app): State<Arc<AppState>>,
    caller: Owner,
    StrictJson(body): StrictJson<Body>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let request = new_key(caller.principal.owner, body).map_err(problem::invalid_request)?;
    let created =
        app.issuer.create(request, Some(&app.key_rules), Actor::User, caller.origin).await;
    created
        .map(|created| Created::answer(&app, &created, MESSAGE))
        .map_err(problem::from_api_key_error)
}

/// Converts the body, or returns an instruction for the client.
fn new_key(owner: UserId, body: Body) -> Result<NewApiKey, String> {
    let name = body.name.ok_or("Send a `name`.")?;
    let description = body.description.map(|text| text.parse()).transpose();
    Ok(NewApiKey {
        owner,
        name: name.parse().map_err(|error| invalid_field("name", error))?,
        description: description.map_err(|error| invalid_field("description", error))?,
        permissions: body.permissions.map(|list| permissions(&list)).transpose()?,
        return_origins: each("returnOrigins", &body.return_origins.unwrap_or_default())?,
        expires_at: body
            .expires_at
            .map(|text| {
                parse_rfc3339(&text).ok_or_else(|| {
                    invalid_field(
                        "expiresAt",
                        "it must be an RFC 3339 time such as 2027-01-31T00:00:00Z",
                    )
                })
            })
            .transpose()?,
    })
}

fn permissions(list: &[String]) -> Result<BTreeSet<Permission>, String> {
    if list.is_empty() {
        return Err(invalid_field(
            "permissions",
            "send at least one permission, or omit the field",
        ));
    }
    each("permissions", list).map(|list: Vec<Permission>| list.into_iter().collect())
}

fn each<T: FromStr<Err: Display>>(field: &str, list: &[String]) -> Result<Vec<T>, String> {
    if list.len() > MAX_ENTRIES {
        return Err(invalid_field(field, "it can have at most 50 entries"));
    }
    list.iter()
        .map(|text| text.parse().map_err(|error: T::Err| invalid_field(field, error)))
        .collect()
}
