//! [`ApiKeyMinter`]: creates keys and returns each text once.

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ApiKeyId;
use billing_domain::ports::{KeyMinter, MintError, MintedKey};

use crate::hasher::{HashError, SecretHasher};
use crate::key_text;
use crate::live::LiveSettings;
use crate::pool::{Argon2Pool, PoolError};
use crate::random::{RandomError, RandomSource};
use crate::settings::ApiKeySettings;

/// Creates API keys under the current pepper.
#[derive(Debug)]
pub struct ApiKeyMinter {
    live: Arc<LiveSettings>,
    random: Arc<dyn RandomSource>,
    hasher: SecretHasher,
}

impl ApiKeyMinter {
    /// Creates a standalone minter for a command. A running service uses the one of its
    /// [`ApiKeys`](crate::ApiKeys). `pool` is the process's only pool.
    #[must_use]
    pub fn new(
        settings: &ApiKeySettings,
        random: Arc<dyn RandomSource>,
        pool: Arc<Argon2Pool>,
    ) -> Self {
        Self::over(Arc::new(LiveSettings::new(settings)), random, SecretHasher::new(pool))
    }

    pub(crate) const fn over(
        live: Arc<LiveSettings>,
        random: Arc<dyn RandomSource>,
        hasher: SecretHasher,
    ) -> Self {
        Self { live, random, hasher }
    }

    fn new_id(&self) -> Result<ApiKeyId, RandomError> {
        let text = key_text::new_id(self.random.as_ref())?;
        text.parse().map_err(|_| RandomError("the generated text is not a key id".to_owned()))
    }
}

#[async_trait]
impl KeyMinter for ApiKeyMinter {
    async fn mint(&self) -> Result<MintedKey, MintError> {
        let secret = key_text::new_secret(self.random.as_ref())?;
        let hash = self.hasher.hash(secret.clone(), self.random.as_ref()).await?;
        let id = self.new_id()?;

        let live = self.live.get();
        let verifier = live.gate.verifier(&id, &secret, hash);
        Ok(MintedKey { text: key_text::compose(&live.prefix, &id, &secret), id, verifier })
    }

    fn preview(&self, id: &ApiKeyId) -> String {
        format!("{}_{id}_…", self.live.get().prefix)
    }
}

impl From<RandomError> for MintError {
    fn from(error: RandomError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

impl From<HashError> for MintError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Pool(PoolError::Overloaded { retry_after }) => {
                Self::Overloaded { retry_after }
            }
            HashError::Pool(PoolError::Failed) => Self::Failed {
                reason: "the argon2 run failed; an earlier log line has the cause".to_owned(),
            },
            HashError::Random(error) => error.into(),
            HashError::Refused(failure) => Self::Failed { reason: failure.to_string() },
        }
    }
}

#[cfg(test)]
mod tests;
