//! `keys create|list|revoke|rotate`.

use auth_api_key::ApiKeySettings;
use billing_domain::ports::RevokeOutcome;
use billing_domain::{
    Actor, ApiKey, ApiKeyError, ApiKeyId, ApiKeyIssuer, ApiKeyService, CreatedKey, Mode, NewApiKey,
    OriginPattern, Permission, RequestOrigin, Timestamp,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Context, session};
use crate::cli::{CreateKey, Keys};
use crate::config::{Settings, provider};
use crate::failure::Failure;
use crate::wiring;
use crate::wiring::clock::clock;
use crate::wiring::store::Stores;
use api_http::timestamps::rfc3339;

pub(crate) async fn run(context: &Context, command: Keys) -> Result<(), Failure> {
    match command {
        Keys::Create(wanted) => {
            let (stores, (settings, mode)) = session(context, issuer_settings).await?;
            let made = issuer(&stores, &settings, mode)
                .create(new_key(wanted), None, Actor::Operator, no_origin())
                .await;
            print_key(context, &made.map_err(failed)?)
        }
        Keys::Rotate { id, overlap } => {
            let (stores, (settings, mode)) = session(context, issuer_settings).await?;
            let made = issuer(&stores, &settings, mode)
                .rotate(&id, None, overlap, Actor::Operator, no_origin())
                .await;
            print_key(context, &made.map_err(failed)?)
        }
        Keys::List { user } => {
            let (stores, ()) = session(context, |_| Some(())).await?;
            let keys = service(&stores).list(user.as_ref()).await.map_err(failed)?;
            let now = clock().now();
            let shown: Vec<Value> = keys.iter().map(|key| key_json(key, now)).collect();
            context.print(&json!({ "keys": shown }), || match keys.len() {
                0 => "no keys".to_owned(),
                _ => keys.iter().map(|key| line(key, now)).collect::<Vec<_>>().join("\n"),
            })
        }
        Keys::Revoke { id: Some(id), .. } => {
            let (stores, ()) = session(context, |_| Some(())).await?;
            let outcome = service(&stores)
                .revoke(&id, None, Actor::Operator, no_origin())
                .await
                .map_err(failed)?;
            let before = outcome == RevokeOutcome::AlreadyRevoked;
            let shown = json!({ "id": id.as_str(), "revoked": true, "alreadyRevoked": before });
            context.print(&shown, || {
                format!("{id} {}", if before { "was already revoked" } else { "is revoked" })
            })
        }
        Keys::Revoke { id: None, user, .. } => {
            let user = user.ok_or_else(|| {
                Failure::Failed("neither a key nor a user is named: this is a bug".to_owned())
            })?;
            let (stores, ()) = session(context, |_| Some(())).await?;
            let revoked = service(&stores)
                .revoke_all(&user, Actor::Operator, no_origin())
                .await
                .map_err(failed)?;
            let ids: Vec<&str> = revoked.iter().map(ApiKeyId::as_str).collect();
            context.print(&json!({ "user": user.as_str(), "revoked": ids }), || match ids.len() {
                0 => format!("{user} has no key to revoke"),
                _ => ids.iter().map(|id| format!("{id} is revoked")).collect::<Vec<_>>().join("\n"),
            })
        }
    }
}

/// Reads the settings that a command needs to create keys.
fn issuer_settings(settings: &mut Settings) -> Option<(ApiKeySettings, Mode)> {
    settings.supply_pepper();
    let keys = settings.reader.adapter(|get| ApiKeySettings::read(get));
    let mode = if provider::is_live(settings) { Mode::Live } else { Mode::Test };
    Some((keys?, mode))
}

fn service(stores: &Stores) -> ApiKeyService {
    ApiKeyService::new(stores.api_keys.clone(), clock())
}

fn issuer(stores: &Stores, settings: &ApiKeySettings, mode: Mode) -> ApiKeyIssuer {
    ApiKeyIssuer::new(service(stores), wiring::keys::minter(settings), mode)
}

fn new_key(wanted: CreateKey) -> NewApiKey {
    NewApiKey {
        owner: wanted.user,
        name: wanted.name,
        description: wanted.description,
        permissions: (!wanted.permissions.is_empty())
            .then(|| wanted.permissions.into_iter().collect()),
        return_origins: wanted.return_origins,
        expires_at: wanted.expires_at,
    }
}

fn print_key(context: &Context, made: &CreatedKey) -> Result<(), Failure> {
    let text = made.text.expose_secret();
    let mut shown = key_json(&made.key, made.key.created_at);
    shown["key"] = json!(text);
    context.print(&shown, || {
        format!("{text}\nThe key {} is shown only once. Store it in a safe place.", made.key.id)
    })
}

fn failed(error: ApiKeyError) -> Failure {
    Failure::failed("no API key was changed", &error)
}

/// A command has no request id and no source address.
fn no_origin() -> RequestOrigin {
    RequestOrigin::default()
}

fn key_json(key: &ApiKey, now: Timestamp) -> Value {
    let permissions: Vec<&str> = key.permissions.iter().map(Permission::as_str).collect();
    let origins: Vec<String> = key.return_origins.iter().map(OriginPattern::to_string).collect();
    json!({
        "id": key.id.as_str(),
        "user": key.owner.as_str(),
        "name": key.name.as_str(),
        "description": key.description.as_ref().map(|text| text.as_str()),
        "permissions": permissions,
        "returnOrigins": origins,
        "createdAt": rfc3339(key.created_at),
        "expiresAt": key.expires_at.map(rfc3339),
        "revokedAt": key.revoked_at.map(rfc3339),
        "lastUsedAt": key.last_used_at.map(rfc3339),
        "isActive": key.is_active(now),
    })
}

fn line(key: &ApiKey, now: Timestamp) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) if at <= now => format!("revoked {}", rfc3339(at)),
        (Some(at), _) => format!("rotated, valid until {}", rfc3339(at)),
        (None, Some(at)) if at <= now => format!("expired {}", rfc3339(at)),
        (None, Some(at)) => format!("expires {}", rfc3339(at)),
        (None, None) => "active".to_owned(),
    };
    format!("{}  {}  {}  created {}  {state}", key.id, key.owner, key.name, rfc3339(key.created_at))
}
