//! Access tokens: an [`Authenticator`](billing_domain::ports::Authenticator) for JWTs, and the one place that mints them.
//!
//! A token is judged in this order, and the first failure answers: form (`compact`), header (`header`), signature
//! (`keys`), claims (`claims`). Nothing in a token chooses the algorithm or the key, and no claim is read before the
//! signature held.
//!
//! The library (`jsonwebtoken`) does the signatures and nothing else: its own validation lets a token pass whose `aud` or
//! `iss` is missing, takes the last of two equal names, and knows neither `crit` nor a maximum lifetime.

mod authenticator;
mod claims;
mod compact;
mod header;
mod json;
mod keys;
mod mint;
mod public_key;
mod required_claims;
mod settings;

pub use authenticator::JwtAuthenticator;
pub use mint::{MintError, mint};
pub use settings::{JwtSettings, SECRETS, SETTINGS};
