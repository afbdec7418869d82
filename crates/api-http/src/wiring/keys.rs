//! API keys over whichever store.

use std::num::NonZeroUsize;
use std::sync::Arc;

use auth_api_key::{ApiKeyAuthenticator, ApiKeyIssuer, ApiKeySettings, Argon2Pool, OsRandom, PoolLimits};
use billing_domain::ports::{ApiKeyRepo, Clock};

/// What makes keys and what judges them, on one argon2 pool.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) issuer: ApiKeyIssuer,
    pub(crate) authenticator: Arc<ApiKeyAuthenticator>,
}

impl Keys {
    pub(crate) fn new(settings: &ApiKeySettings, repo: &Arc<dyn ApiKeyRepo>, clock: &Arc<dyn Clock>) -> Self {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let pool = Arc::new(Argon2Pool::new(PoolLimits::for_cores(cores)));
        let authenticator = ApiKeyAuthenticator::new(settings, Arc::clone(repo), Arc::clone(clock), Arc::clone(&pool));
        let issuer = ApiKeyIssuer::new(settings, Arc::clone(repo), Arc::clone(clock), Arc::new(OsRandom), pool);
        Self { issuer, authenticator: Arc::new(authenticator) }
    }
}
