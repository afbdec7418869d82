//! Access tokens: an [`Authenticator`](billing_domain::ports::Authenticator) for JWTs, and the one place that mints them.
//!
//! A token is judged in this order, and the first failure answers: form (`compact`), header (`header`), signature
//! (`key_source`), claims (`claims`). Nothing in a token chooses the algorithm, its key id chooses among the keys of this
//! deployment and nothing else, and no claim is read before the signature held.
//!
//! The keys stand in the settings (`keys`), or an issuer publishes them (`jwks`).
//!
//! The library (`jsonwebtoken`) does the signatures and nothing else: its own validation lets a token pass whose `aud` or
//! `iss` is missing, takes the last of two equal names, and knows neither `crit` nor a maximum lifetime.

mod authenticator;
mod claims;
mod compact;
mod header;
mod json;
mod jwks;
mod key_source;
mod keys;
mod mint;
mod public_key;
mod required_claims;
mod settings;

pub use authenticator::{JwtAuthenticator, ReloadError};
pub use mint::{MintError, mint};
pub use outbound_http::ClientError;
pub use settings::{JwtSettings, SECRETS, SETTINGS};
