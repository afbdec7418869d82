//! `keys create|list|revoke`.

use auth_api_key::{ApiKeySettings, NewApiKey};
use billing_domain::ports::{RepoError, RevokeOutcome};
use billing_domain::{ApiKey, OriginPattern, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::{Context, Failure, clock, opened};
use crate::cli::{CreateKey, Keys};
use crate::logging::LogSettings;
use crate::wiring::{self, provider, store};

pub(crate) async fn run(context: &Context, command: Keys) -> Result<(), Failure> {
    let mut settings = context.settings(&[]);
    let log = LogSettings::read(&mut settings.reader, "warn");
    let auto_migrate = store::auto_migrate(&mut settings);
    let store = store::read(&mut settings);
    let failed = |error: RepoError| Failure::failed("the database failed", &error);
    match command {
        Keys::Create(wanted) => {
            settings.supply_pepper();
            let keys = settings.reader.adapter(|get| ApiKeySettings::read(get));
            let live = provider::is_live(&mut settings);
            let (store, keys) = Context::checked(settings, log, store.zip(keys))?;
            if let Some(broad) = wanted.return_origins.iter().find(|origin| live && origin.is_broad()) {
                let error = billing_domain::TooBroad(broad.clone());
                return Err(Failure::Failed(error.to_string()));
            }
            let stores = opened(store, auto_migrate).await?;
            create(context, wanted, &wiring::keys::Keys::new(&keys, &stores.api_keys, &clock())).await
        }
        Keys::List { user } => {
            let store = Context::checked(settings, log, store)?;
            let keys = opened(store, auto_migrate).await?.api_keys.list(user.as_ref()).await.map_err(failed)?;
            let now = clock().now();
            let shown: Vec<Value> = keys.iter().map(|key| described(key, now)).collect();
            context.print(&json!({ "keys": shown }), || match keys.len() {
                0 => "no keys".to_owned(),
                _ => keys.iter().map(|key| line(key, now)).collect::<Vec<_>>().join("\n"),
            })
        }
        Keys::Revoke { id } => {
            let store = Context::checked(settings, log, store)?;
            let stores = opened(store, auto_migrate).await?;
            match stores.api_keys.revoke(&id, clock().now()).await.map_err(failed)? {
                outcome @ (RevokeOutcome::Revoked | RevokeOutcome::AlreadyRevoked) => {
                    let before = outcome == RevokeOutcome::AlreadyRevoked;
                    let shown = json!({ "id": id.as_str(), "revoked": true, "alreadyRevoked": before });
                    context.print(&shown, || {
                        if before { format!("{id} was revoked before") } else { format!("{id} is revoked") }
                    })
                }
                RevokeOutcome::NotFound => Err(Failure::Failed(format!("there is no key {id}"))),
            }
        }
    }
}

async fn create(context: &Context, wanted: CreateKey, keys: &wiring::keys::Keys) -> Result<(), Failure> {
    let order = NewApiKey {
        owner: wanted.user,
        name: wanted.name,
        permissions: (!wanted.permissions.is_empty()).then(|| wanted.permissions.into_iter().collect()),
        return_origins: wanted.return_origins,
        expires_at: wanted.expires_at,
    };
    let issued = keys.issuer.issue(order).await.map_err(|error| Failure::failed("no key was made", &error))?;
    let text = issued.text.expose_secret();
    let mut shown = described(&issued.key, issued.key.created_at);
    shown["key"] = json!(text);
    context.print(&shown, || {
        format!("{text}\nThis is the only time that the key {} is shown: keep it safe.", issued.key.id)
    })
}

fn described(key: &ApiKey, now: Timestamp) -> Value {
    json!({
        "id": key.id.as_str(),
        "user": key.owner.as_str(),
        "name": key.name.as_str(),
        "permissions": key.permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>(),
        "returnOrigins": key.return_origins.iter().map(OriginPattern::to_string).collect::<Vec<_>>(),
        "createdAt": rfc3339(key.created_at),
        "expiresAt": key.expires_at.map(rfc3339),
        "revokedAt": key.revoked_at.map(rfc3339),
        "isActive": key.is_active(now),
    })
}

fn line(key: &ApiKey, now: Timestamp) -> String {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", rfc3339(at)),
        (None, Some(at)) if at <= now => format!("expired {}", rfc3339(at)),
        (None, Some(at)) => format!("expires {}", rfc3339(at)),
        (None, None) => "active".to_owned(),
    };
    format!("{}  {}  {}  created {}  {state}", key.id, key.owner, key.name, rfc3339(key.created_at))
}

fn rfc3339(at: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(at.as_millis())
        .map_or_else(|_| format!("{} ms", at.as_millis()), |at| at.to_string())
}
