//! End users' API keys: how one looks, how it is made, and how a presented one is judged.
//!
//! A key is `<prefix>_<key id>_<secret><checksum>`. What presents itself as one passes five doors, cheapest first, and the
//! first that stays shut ends it:
//!
//! 1. form and checksum, in memory: a mistyped key costs no look-up (`key_text`);
//! 2. the key's row: one indexed read of [`billing_domain::ports::ApiKeyRepo`], trusted for three seconds (`rows`). Reports of
//!    changes drop a row sooner (`changes`), so that a revocation is seen at once where they come, and in time where not;
//! 3. the gate, an HMAC under a pepper that the database never sees: a wrong secret dies here, in microseconds ([`Gate`]);
//! 4. revoked or expired;
//! 5. argon2id, on a small pool of its own ([`Argon2Pool`]), once for all who present the same key at once, and
//!    remembered for a minute (`proofs`). It runs only for keys already proven, so that a flood of wrong ones costs nobody
//!    anything; nothing that fails is remembered.
//!
//! Behind the requests an accepted key's last use is written (`uses`), and its proof renewed where the pepper or argon2's
//! parameters have changed (`renewal`). [`ApiKeys`] holds it all together; [`ApiKeyMinter`] makes keys.

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
