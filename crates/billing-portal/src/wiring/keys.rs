//! API keys: their authenticator, their minter and its argon2 pool.

use std::num::NonZeroUsize;
use std::sync::Arc;

use auth_api_key::{
    ApiKeyMinter, ApiKeyPorts, ApiKeySettings, ApiKeys, Argon2Pool, OsRandom, PoolLimits,
    RandomError,
};
use billing_domain::ports::{BackgroundTask, Clock, KeyMinter};

use super::store::Stores;

/// Starts the authenticator and the minter. Also returns their tasks.
pub(crate) fn start(
    settings: &ApiKeySettings,
    stores: &Stores,
    clock: Arc<dyn Clock>,
) -> Result<(ApiKeys, Vec<BackgroundTask>), RandomError> {
    let (repo, usage) = (stores.api_keys.clone(), stores.usage.clone());
    ApiKeys::start(settings, ApiKeyPorts { repo, usage, clock, random: Arc::new(OsRandom) }, pool())
}

/// Creates a minter for a command.
pub(crate) fn minter(settings: &ApiKeySettings) -> Arc<dyn KeyMinter> {
    Arc::new(ApiKeyMinter::new(settings, Arc::new(OsRandom), pool()))
}

fn pool() -> Arc<Argon2Pool> {
    let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Arc::new(Argon2Pool::new(PoolLimits::for_cores(cores)))
}
