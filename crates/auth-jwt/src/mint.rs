//! Mints access tokens with an HS256 secret, for development and tests.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use billing_domain::{Timestamp, UserId};
use secrecy::SecretString;
use strict_json::{Object, Value};

use crate::settings::{JwtSettings, KeySettings};

/// Why no token was minted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The settings contain a public key or name a key set. Both only verify.
    #[error("minting a token requires an HS256 secret, and none is configured")]
    NoSecret,
    /// The lifetime is below one second or above the maximum.
    #[error("the lifetime of a token must be from 1 to {} seconds", max.as_secs())]
    LifetimeOutOfRange {
        /// The maximum lifetime.
        max: Duration,
    },
}

/// Mints a token for `subject` that is valid from `now` for `lifetime`, in whole seconds.
///
/// The token has the issuer, audience, subject claim and required claims of the settings. For a
/// required claim it has the first alternative. The first secret signs it.
///
/// # Errors
/// [`MintError`]; a retry does not help.
pub fn mint(
    settings: &JwtSettings,
    subject: &UserId,
    lifetime: Duration,
    now: Timestamp,
) -> Result<SecretString, MintError> {
    let policy = &settings.policy;
    if lifetime < Duration::from_secs(1) || lifetime > policy.max_lifetime {
        return Err(MintError::LifetimeOutOfRange { max: policy.max_lifetime });
    }
    let issued_at = now.as_seconds();
    let expiry = Timestamp::from_seconds(issued_at).plus(lifetime).as_seconds();
    let texts = [("iss", policy.issuer.as_deref()), ("aud", policy.audience.as_deref())]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .chain(settings.required.examples())
        .chain([(policy.subject_claim.as_str(), subject.as_str())]);
    let mut claims: Object = texts.map(|(name, value)| (name.to_owned(), value.into())).collect();
    claims.insert("iat".to_owned(), issued_at.into());
    claims.insert("exp".to_owned(), expiry.into());

    let KeySettings::Configured(keys) = &settings.keys else { return Err(MintError::NoSecret) };
    let header = format!(r#"{{"alg":"{}","typ":"JWT"}}"#, keys.algorithm().name());
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    let message = format!("{}.{}", part(&header), part(&Value::Object(claims).to_string()));
    let signature = keys.sign(&message).ok_or(MintError::NoSecret)?;
    Ok(SecretString::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
