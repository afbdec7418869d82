//! [`JwtAuthenticator`]: the authenticator for access tokens.

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

/// Time a reload waits for a new key set: one fetch's timeout, or several fetches that fail at
/// once.
const LOAD_TIMEOUT: Duration = Duration::from_secs(6);

/// Authenticates access tokens with the configured keys and policy. A token costs at most four
/// signature checks.
///
/// With published keys, a background task fetches them, and a token with an unknown key waits for a
/// fetch. Otherwise it does no I/O.
#[derive(Debug)]
pub struct JwtAuthenticator {
    rules: RwLock<Arc<Rules>>,
    reloading: Mutex<()>,
    clock: Arc<dyn Clock>,
    refreshers: Refreshers,
}

/// Keys and claim rules. A reload replaces them as a whole.
#[derive(Debug)]
struct Rules {
    keys: KeySource,
    policy: ClaimPolicy,
    required: RequiredClaims,
}

/// Why a reload failed. The old settings stay in use.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The HTTP client for the new key set could not be created.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The new key set was not loaded in time.
    #[error("the new key set did not load within {} s", LOAD_TIMEOUT.as_secs())]
    NotLoaded(#[source] AuthError),
}

impl JwtAuthenticator {
    /// Creates an authenticator and the task that fetches published keys.
    ///
    /// The task runs until the authenticator is dropped. It is idle while the settings contain the
    /// keys. Run it in any case, because a reload may configure a key set. Until the first key set
    /// is fetched, every token is [`AuthError::NotReady`].
    ///
    /// # Errors
    /// See [`ClientError`]; only if the settings name a key set.
    pub fn start(
        settings: JwtSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Vec<BackgroundTask>), ClientError> {
        let (refreshers, task) = Refreshers::new();
        let keys = KeySource::start(&settings.keys, &clock, &refreshers)?;
        let rules = RwLock::new(Arc::new(Rules::new(keys, settings)));
        Ok((Self { rules, reloading: Mutex::new(()), clock, refreshers }, vec![task]))
    }

    /// Replaces all settings atomically. Each token is checked by the old or by the new ones.
    ///
    /// A new key set is loaded first, so that tokens stay valid during the load. An unchanged set
    /// is kept.
    ///
    /// # Errors
    /// See [`ReloadError`]. The old settings stay in use.
    pub async fn reload(&self, settings: JwtSettings) -> Result<(), ReloadError> {
        let _serialised = self.reloading.lock().await;
        let current = self.rules().keys.clone();
        let keys = if current.is_published_at(&settings.keys) {
            current
        } else {
            let new = KeySource::start(&settings.keys, &self.clock, &self.refreshers)?;
            new.wait_until_loaded(LOAD_TIMEOUT).await.map_err(ReloadError::NotLoaded)?;
            new
        };
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) =
            Arc::new(Rules::new(keys, settings));
        Ok(())
    }

    /// Returns whether keys are loaded. Keys from the settings always are; published keys are from
    /// the first fetch until 24 h after the last successful one.
    #[must_use]
    pub fn keys_loaded(&self) -> bool {
        self.rules().keys.is_loaded()
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
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
        self.verify(credential.expose()).await
    }

    fn presented_key_id(&self, _credential: &Credential) -> Option<ApiKeyId> {
        None
    }
}
