//! [`KeySource`]: the keys that verify tokens, from the settings or published by an issuer.

use std::sync::Arc;
use std::time::Duration;

use billing_domain::ports::{AuthError, Clock};
use outbound_http::ClientError;
use url::Url;

use crate::header::Header;
use crate::jwks::{HttpSource, Refreshers, RemoteJwkSet};
use crate::keys::KeySet;
use crate::settings::KeySettings;

/// The keys in use.
#[derive(Clone, Debug)]
pub(crate) enum KeySource {
    /// Keys from the settings.
    Configured(KeySet),
    /// Keys published at this URL.
    Published { url: Url, set: Arc<RemoteJwkSet> },
}

impl KeySource {
    /// Creates the source that the settings name. `refreshers` fetches and refreshes published
    /// keys.
    pub(crate) fn start(
        settings: &KeySettings,
        clock: &Arc<dyn Clock>,
        refreshers: &Refreshers,
    ) -> Result<Self, ClientError> {
        match settings {
            KeySettings::Configured(keys) => Ok(Self::Configured(keys.clone())),
            KeySettings::Published(url) => {
                let source = HttpSource::new(url.clone())?;
                let set = RemoteJwkSet::start(source, Arc::clone(clock), refreshers);
                Ok(Self::Published { url: url.clone(), set: Arc::new(set) })
            }
        }
    }

    /// Returns whether the settings name the same key set, which then needs no new fetch.
    pub(crate) fn is_published_at(&self, settings: &KeySettings) -> bool {
        match (self, settings) {
            (Self::Published { url, .. }, KeySettings::Published(named)) => url == named,
            _ => false,
        }
    }

    /// Returns whether the keys are loaded.
    pub(crate) fn is_loaded(&self) -> bool {
        match self {
            Self::Configured(_) => true,
            Self::Published { set, .. } => set.is_loaded(),
        }
    }

    /// Waits until the keys are loaded, for at most `max_wait`.
    pub(crate) async fn wait_until_loaded(&self, max_wait: Duration) -> Result<(), AuthError> {
        match self {
            Self::Published { set, .. } => set.wait_until_loaded(max_wait).await,
            Self::Configured(_) => Ok(()),
        }
    }

    /// Verifies a token's signature with the keys that match its header. The algorithm is the
    /// key's, never the header's.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] if no key signed `message`, [`AuthError::NotReady`] if the keys are
    /// not loaded.
    pub(crate) async fn verify(
        &self,
        header: Header<'_>,
        message: &str,
        signature: &Vec<u8>,
    ) -> Result<(), AuthError> {
        let is_valid = match self {
            Self::Configured(keys) if keys.algorithm() != header.algorithm => {
                return Err(AuthError::invalid("`alg` is not the configured key's algorithm"));
            }
            Self::Configured(keys) => keys.verify(message, signature),
            // A key set contains no shared secrets, so a token with one must not start a fetch.
            Self::Published { .. } if !header.algorithm.has_public_keys() => {
                return Err(AuthError::invalid("`alg` is not the algorithm of a published key"));
            }
            Self::Published { set, .. } => {
                set.find(header.key_id).await?.verify(header, message, signature)
            }
        };
        if is_valid { Ok(()) } else { Err(AuthError::invalid("the signature is invalid")) }
    }
}
