//! End users' API keys: how one looks, how it is made, and how a presented one is judged.
//!
//! A key is `<prefix>_<key id>_<secret><checksum>`. What presents itself as one passes five doors, cheapest first, and the
//! first that stays shut ends it:
//!
//! 1. form and checksum, in memory: a mistyped key costs no look-up (`key_text`);
//! 2. one indexed read of the key's row ([`billing_domain::ports::ApiKeyRepo`]);
//! 3. the gate, an HMAC under a pepper that the database never sees: a wrong secret dies here, in microseconds ([`Gate`]);
//! 4. revoked or expired;
//! 5. argon2id, on a small pool of its own ([`Argon2Pool`]): so it runs only for keys already proven, and a flood of wrong
//!    ones costs nobody anything.
//!
//! [`ApiKeyAuthenticator`] walks them; [`ApiKeyIssuer`] makes keys.

mod authenticator;
mod base62;
mod gate;
mod hasher;
mod issuer;
mod key_text;
mod pool;
mod random;
mod secret_hash;
mod settings;
#[cfg(test)]
mod testing;

pub use authenticator::ApiKeyAuthenticator;
pub use gate::{Gate, Pepper, PepperError};
pub use issuer::{ApiKeyIssuer, IssueError, IssuedKey, NewApiKey};
pub use pool::{Argon2Pool, PoolLimits};
pub use random::{OsRandom, RandomError, RandomSource};
pub use settings::{ApiKeySettings, SECRETS, SETTINGS};
