//! API keys of end users: format, creation and authentication.
//!
//! A key is `<prefix>_<key id>_<secret><checksum>`. Authentication runs five checks,
//! cheapest first. The first failed check refuses the key:
//!
//! 1. Format and checksum, in memory. A mistyped key costs no read of the store (`key_text`).
//! 2. The key's row: one indexed read of [`billing_domain::ports::ApiKeyRepo`], cached for three
//!    seconds (`rows`). A change notification evicts a row sooner (`changes`), so a revocation
//!    usually takes effect immediately.
//! 3. The gate: an HMAC under a pepper that the database never contains. It refuses a wrong secret
//!    within microseconds ([`Gate`]).
//! 4. Revocation and expiry.
//! 5. argon2id on a bounded thread pool ([`Argon2Pool`]). Concurrent requests with one key share a
//!    run, and a success is cached for a minute (`proofs`). Only secrets that passed the gate get
//!    here, so a flood of wrong keys runs no argon2. Failures are not cached.
//!
//! Background tasks write each key's last use (`uses`) and renew its stored verifier after a change
//! of pepper or argon2 parameters (`renewal`). [`ApiKeys`] wires all parts; [`ApiKeyMinter`]
//! creates keys.

mod api_keys;
mod authenticator;
mod base62;
mod bulkhead;
mod changes;
mod gate;
mod hasher;
mod key_text;
mod live;
mod lru_cache;
mod minter;
mod pepper_fit;
mod pool;
mod proofs;
mod random;
mod renewal;
mod rows;
mod secret_hash;
mod settings;
#[cfg(test)]
mod testing;
mod uses;

pub use api_keys::{ApiKeyPorts, ApiKeys};
pub use authenticator::ApiKeyAuthenticator;
pub use gate::{Gate, Pepper, PepperError};
pub use minter::ApiKeyMinter;
pub use pepper_fit::PepperFit;
pub use pool::{Argon2Pool, PoolLimits};
pub use random::{OsRandom, RandomError, RandomSource};
pub use settings::{ApiKeySettings, SECRETS, SETTINGS};
