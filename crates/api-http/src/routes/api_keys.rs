//! `/api/v1/api-keys`: an end user's own API keys, with an access token only: a key never manages keys.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use billing_domain::{
    Actor, ApiKeyId, CreatedKey, NewApiKey, OriginPattern, Permission, Timestamp, UserId,
};
use http::{StatusCode, Uri};
use http_edge::{Fault, Problem, StrictJson};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::caller::{AccessToken, Caller, ManagesKeys};
use crate::error_code::ErrorCode;
use crate::timestamps::rfc3339;
use crate::{Api, problem};

type Owner = Caller<AccessToken, ManagesKeys>;

/// The longest that a rotated key stays beside its successor.
const LONGEST_OVERLAP: u64 = 30 * 24 * 60 * 60;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateBody {
    name: Option<String>,
    description: Option<String>,
    permissions: Option<Vec<String>>,
    expires_at: Option<String>,
    return_origins: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RotateBody {
    overlap_seconds: Option<u64>,
}

pub(crate) async fn create(
    State(api): State<Api>,
    caller: Owner,
    StrictJson(body): StrictJson<CreateBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let wanted = order(caller.principal.owner, body).map_err(invalid)?;
    let created = api.issuer.create(wanted, Some(&api.key_rules), Actor::User, caller.origin).await;
    created
        .map(|created| shown(&api, &created, "The API key was created."))
        .map_err(problem::from_api_key_error)
}

pub(crate) async fn list(State(api): State<Api>, caller: Owner) -> Result<Json<Value>, Problem> {
    let keys =
        api.keys.list(Some(&caller.principal.owner)).await.map_err(problem::from_api_key_error)?;
    let shown: Vec<Value> = keys.iter().map(|key| described(&api, key)).collect();
    Ok(Json(json!({ "total": shown.len(), "apiKeys": shown })))
}

pub(crate) async fn revoke(
    State(api): State<Api>,
    caller: Owner,
    uri: Uri,
) -> Result<Json<Value>, Problem> {
    let id = named(&uri).ok_or_else(|| problem::from_fault(&Fault::NotFound))?;
    let revoked =
        api.keys.revoke(&id, Some(&caller.principal.owner), Actor::User, caller.origin).await;
    revoked.map_err(problem::from_api_key_error)?;
    Ok(Json(json!({ "success": true, "message": "The API key is revoked." })))
}

pub(crate) async fn rotate(
    State(api): State<Api>,
    caller: Owner,
    uri: Uri,
    StrictJson(body): StrictJson<RotateBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id = named(&uri).ok_or_else(|| problem::from_fault(&Fault::NotFound))?;
    let overlap = body.overlap_seconds.unwrap_or(24 * 60 * 60);
    if overlap > LONGEST_OVERLAP {
        return Err(invalid(wrong("overlapSeconds", "it is at most 2592000, 30 days")));
    }
    let owner = caller.principal.owner;
    let rotated = api
        .issuer
        .rotate(
            &id,
            Some((&owner, &api.key_rules)),
            Duration::from_secs(overlap),
            Actor::User,
            caller.origin,
        )
        .await;
    rotated
        .map(|created| shown(&api, &created, "The API key has a successor."))
        .map_err(problem::from_api_key_error)
}

/// A key just made, with its text: the only time that it is shown.
fn shown(api: &Api, created: &CreatedKey, message: &str) -> (StatusCode, Json<Value>) {
    let mut key = described(api, &created.key);
    key["key"] = json!(created.text.expose_secret());
    let warning = "Keep the key safe: this is the only time that it is shown.";
    (
        StatusCode::CREATED,
        Json(json!({ "success": true, "message": message, "apiKey": key, "warning": warning })),
    )
}

fn described(api: &Api, key: &billing_domain::ApiKey) -> Value {
    json!({
        "id": key.id.as_str(),
        "name": key.name.as_str(),
        "description": key.description.as_ref().map(|text| text.as_str()),
        "keyPreview": api.issuer.preview(&key.id),
        "permissions": key.permissions.iter().map(Permission::as_str).collect::<Vec<_>>(),
        "returnOrigins": key.return_origins.iter().map(OriginPattern::to_string).collect::<Vec<_>>(),
        "isActive": key.is_active(api.clock.now()),
        "createdAt": rfc3339(key.created_at),
        "expiresAt": key.expires_at.map(rfc3339),
        "revokedAt": key.revoked_at.map(rfc3339),
        "lastUsedAt": key.last_used_at.map(rfc3339),
    })
}

/// The id in the raw path: another spelling of it is another path (H6), and what is no id names no key.
fn named(uri: &Uri) -> Option<ApiKeyId> {
    uri.path().split('/').nth(4)?.parse().ok()
}

/// What the body asks for, or what to correct in it.
fn order(owner: UserId, body: CreateBody) -> Result<NewApiKey, String> {
    let name = body.name.ok_or_else(|| wrong("name", "it is required"))?;
    let description = body.description.map(|text| text.parse()).transpose();
    let permissions = body.permissions.map(|list| each("permissions", &list)).transpose()?;
    Ok(NewApiKey {
        owner,
        name: name.parse().map_err(|error| wrong("name", error))?,
        description: description.map_err(|error| wrong("description", error))?,
        permissions: permissions.map(|list: Vec<Permission>| list.into_iter().collect()),
        return_origins: each("returnOrigins", &body.return_origins.unwrap_or_default())?,
        expires_at: body.expires_at.map(|text| moment(&text)).transpose()?,
    })
}

fn each<T: FromStr<Err: Display>>(field: &str, list: &[String]) -> Result<Vec<T>, String> {
    if list.len() > 50 {
        return Err(wrong(field, "it has at most 50 entries"));
    }
    list.iter().map(|text| text.parse().map_err(|error: T::Err| wrong(field, error))).collect()
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    let at = parsed.map_err(|_| {
        wrong("expiresAt", "it is a moment as RFC 3339, such as 2027-01-31T00:00:00Z")
    })?;
    Ok(Timestamp::from_millis(at.as_millisecond()))
}

fn wrong(field: &str, why: impl Display) -> String {
    format!("Correct `{field}`: {why}.")
}

fn invalid(detail: String) -> Problem {
    problem::problem(ErrorCode::InvalidRequest, detail)
}
