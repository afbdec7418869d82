//! The authenticator for access tokens.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use billing_domain::ports::{AuthError, Authenticator, BackgroundTask, Clock};
use billing_domain::{ApiKeyId, AuthMethod, Credential, Permissions, Principal};
use outbound_http::ClientError;
use tokio::sync::Mutex;

use crate::claims::ClaimPolicy;
use crate::json::parse_object;
use crate::jwks::Refreshers;
use crate::key_source::KeySource;
use crate::required_claims::RequiredClaims;
use crate::settings::JwtSettings;
use crate::{claims, compact, header};

/// How long a reload waits for a key set that was not in use before: a fetch's whole time, or several that fail at once.
const LOADED_WITHIN: Duration = Duration::from_secs(6);

/// Judges access tokens by the configured keys and policy. A token of the greatest size costs four signatures at most.
///
/// It needs no I/O, but where an issuer publishes the keys: then a background task fetches them, and only a token whose key is
/// unknown waits for that.
#[derive(Debug)]
pub struct JwtAuthenticator {
    rules: RwLock<Arc<Rules>>,
    reloading: Mutex<()>,
    clock: Arc<dyn Clock>,
    refreshers: Refreshers,
}

/// By what tokens are judged: replaced as a whole.
#[derive(Debug)]
struct Rules {
    keys: KeySource,
    policy: ClaimPolicy,
    required: RequiredClaims,
}

/// Why new settings were not taken. The old ones stay in force.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The new key set cannot be fetched at all.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The new key set did not come.
    #[error("the new key set did not load within {} s", LOADED_WITHIN.as_secs())]
    NotLoaded(#[source] AuthError),
}

impl JwtAuthenticator {
    /// An authenticator with these settings, which reads the time from `clock`, and the task that
    /// fetches published keys.
    ///
    /// The task runs until the authenticator is dropped. It has no work while the settings contain
    /// the keys. A reload may name a key set later, so run it in any case. Until the first key set
    /// is fetched, every token is [`AuthError::NotReady`].
    ///
    /// # Errors
    /// See [`ClientError`]; only where the settings name a key set.
    pub fn start(
        settings: JwtSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Vec<BackgroundTask>), ClientError> {
        let (refreshers, task) = Refreshers::new();
        let keys = KeySource::start(&settings.keys, &clock, &refreshers)?;
        let rules = RwLock::new(Arc::new(Rules::new(keys, settings)));
        Ok((Self { rules, reloading: Mutex::new(()), clock, refreshers }, vec![task]))
    }

    /// Puts other settings into force, all at once: each token is judged by the old ones or by the new ones.
    ///
    /// A key set that was not in use before is loaded first, so that no token is refused meanwhile; one that is, stays.
    ///
    /// # Errors
    /// See [`ReloadError`]. The old settings stay in force.
    pub async fn reload(&self, settings: JwtSettings) -> Result<(), ReloadError> {
        let _in_the_order_of_the_calls = self.reloading.lock().await;
        let used = self.rules().keys.clone();
        let keys = if used.is_published_at(&settings.keys) {
            used
        } else {
            let fresh = KeySource::start(&settings.keys, &self.clock, &self.refreshers)?;
            fresh.wait_until_loaded(LOADED_WITHIN).await.map_err(ReloadError::NotLoaded)?;
            fresh
        };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Rules::new(keys, settings));
        Ok(())
    }

    /// Whether there are keys to judge tokens by: always where they stand in the settings, and where they are published, from
    /// the first fetch on until the last good one is 24 h ago.
    #[must_use]
    pub fn keys_loaded(&self) -> bool {
        self.rules().keys.is_loaded()
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn judge(&self, token: &str) -> Result<Principal, AuthError> {
        let rules = self.rules();
        let token = compact::parse(token)?;
        let header = parse_object("header", &token.header)?;
        rules.keys.verify(header::read(&header)?, token.signing_input, &token.signature).await?;
        let claims = parse_object("claims", &token.claims)?;
        let owner = claims::check(&claims, &rules.policy, self.clock.now())?;
        let permissions = if rules.required.are_met_by(&claims) {
            Permissions::All
        } else {
            Permissions::Only(BTreeSet::new())
        };
        Ok(Principal {
            owner,
            method: AuthMethod::AccessToken,
            permissions,
            return_origins: Vec::new(),
        })
    }
}

impl Rules {
    fn new(keys: KeySource, settings: JwtSettings) -> Self {
        Self { keys, policy: settings.policy, required: settings.required }
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, credential: &Credential) -> Result<Principal, AuthError> {
        self.judge(credential.expose()).await
    }

    fn presented_key_id(&self, _credential: &Credential) -> Option<ApiKeyId> {
        None
    }
}
