//! Access tokens: an [`Authenticator`](billing_domain::ports::Authenticator) for JWTs, and
//! [`mint`].
//!
//! Authentication checks, in this order, the format (`compact`), header (`header`), signature
//! (`key_source`) and claims (`claims`). The first failed check refuses the token. The token does
//! not choose the algorithm. Its key id only selects among this deployment's keys. Claims are read
//! after the signature is verified.
//!
//! The settings contain the keys (`keys`), or an issuer publishes them (`jwks`).
//!
//! The library (`jsonwebtoken`) only verifies signatures. Its validation accepts a token without
//! `aud` or `iss`, uses the last of two equal names, and checks neither `crit` nor a maximum
//! lifetime.

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
