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

use super::{API_KEYS, Created, Owner, wrong};
use crate::caller::AccessToken;
use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi;
use crate::problem;
use crate::state::AppState;
use crate::timestamps::parse_rfc3339;

/// Entries of a list in the body.
const LONGEST_LIST: usize = 50;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = CreateApiKey)]
pub(crate) struct Body {
    #[schema(value_type = String, min_length = 1, max_length = 100)]
    name: Option<String>,
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// `area:action` each. Default: `subscriptions:portal`, `subscriptions:checkout` and
    /// `subscriptions:read`.
    #[schema(min_items = 1, max_items = 50, value_type = Option<Vec<PermissionText>>)]
    permissions: Option<Vec<String>>,
    /// Any time in the future.
    #[schema(format = "date-time")]
    expires_at: Option<String>,
    /// Return origins in addition to the service's, within those that it allows for keys.
    #[schema(max_items = 50)]
    return_origins: Option<Vec<String>>,
}

#[derive(ToSchema)]
#[schema(as = Permission, pattern = "^[A-Za-z0-9._-]+:[A-Za-z0-9._-]+$")]
#[expect(dead_code, reason = "the schema of the domain's permissions")]
struct PermissionText(String);

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::post(API_KEYS, create)
        .operation("createApiKey", openapi::API_KEYS, "Make an API key")
        .description("The key is in this answer only. A lost key cannot be shown again.")
        .credential::<AccessToken>()
        .json_body::<Body>(
            Required::True,
            [(
                "portalOnly",
                "A key that opens the portal, for two months",
                json!({
                    "name": "CI",
                    "permissions": ["subscriptions:portal"],
                    "expiresAt": "2027-01-31T00:00:00Z"
                }),
            )],
        )
        .returns::<Created>(201, "The key, shown once.", Some(Created::example()))
        .errors(&[ErrorCode::InvalidReturnUrl, ErrorCode::TooManyApiKeys])
}

async fn create(
    State(app): State<Arc<AppState>>,
    caller: Owner,
    StrictJson(body): StrictJson<Body>,
) -> Result<(StatusCode, Json<Created>), Problem> {
    let wanted = order(caller.principal.owner, body).map_err(problem::invalid_request)?;
    let created = app.issuer.create(wanted, Some(&app.key_rules), Actor::User, caller.origin).await;
    created
        .map(|created| Created::answer(&app, &created, "The API key was created."))
        .map_err(problem::from_api_key_error)
}

/// The order in the body, or the correction that the client should make.
fn order(owner: UserId, body: Body) -> Result<NewApiKey, String> {
    let name = body.name.ok_or_else(|| wrong("name", "it is required"))?;
    let description = body.description.map(|text| text.parse()).transpose();
    Ok(NewApiKey {
        owner,
        name: name.parse().map_err(|error| wrong("name", error))?,
        description: description.map_err(|error| wrong("description", error))?,
        permissions: body.permissions.map(|list| permissions(&list)).transpose()?,
        return_origins: each("returnOrigins", &body.return_origins.unwrap_or_default())?,
        expires_at: body
            .expires_at
            .map(|text| {
                parse_rfc3339(&text).ok_or_else(|| {
                    wrong("expiresAt", "it is an RFC 3339 time such as 2027-01-31T00:00:00Z")
                })
            })
            .transpose()?,
    })
}

fn permissions(list: &[String]) -> Result<BTreeSet<Permission>, String> {
    if list.is_empty() {
        return Err(wrong("permissions", "it has at least one entry, or is left out"));
    }
    each("permissions", list).map(|list: Vec<Permission>| list.into_iter().collect())
}

fn each<T: FromStr<Err: Display>>(field: &str, list: &[String]) -> Result<Vec<T>, String> {
    if list.len() > LONGEST_LIST {
        return Err(wrong(field, "it has at most 50 entries"));
    }
    list.iter().map(|text| text.parse().map_err(|error: T::Err| wrong(field, error))).collect()
}
