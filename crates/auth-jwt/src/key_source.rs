//! Where the keys are that verify tokens: in the settings, or published by an issuer.

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
    /// They stand in the settings.
    Held(KeySet),
    /// They are published at this URL.
    Published { url: Url, set: Arc<RemoteJwkSet> },
}

impl KeySource {
    /// The keys that the settings name. Published keys are fetched and kept fresh by `refreshers`.
    pub(crate) fn start(
        settings: &KeySettings,
        clock: &Arc<dyn Clock>,
        refreshers: &Refreshers,
    ) -> Result<Self, ClientError> {
        match settings {
            KeySettings::Held(keys) => Ok(Self::Held(keys.clone())),
            KeySettings::Published(url) => {
                let source = HttpSource::new(url.clone())?;
                let set = RemoteJwkSet::start(source, Arc::clone(clock), refreshers);
                Ok(Self::Published { url: url.clone(), set: Arc::new(set) })
            }
        }
    }

    /// Whether these are the keys that the settings name, so that they need not be fetched anew.
    pub(crate) fn is_published_at(&self, settings: &KeySettings) -> bool {
        matches!((self, settings), (Self::Published { url, .. }, KeySettings::Published(named)) if url == named)
    }

    /// Whether tokens can be judged now.
    pub(crate) fn is_loaded(&self) -> bool {
        match self {
            Self::Held(_) => true,
            Self::Published { set, .. } => set.is_loaded(),
        }
    }

    /// Waits until tokens can be judged, for at most this long.
    pub(crate) async fn wait_until_loaded(&self, at_most: Duration) -> Result<(), AuthError> {
        match self {
            Self::Published { set, .. } => set.wait_until_loaded(at_most).await,
            Self::Held(_) => Ok(()),
        }
    }

    /// Holds a token's signature against the keys that its header fits. The keys' algorithms count, never the header's.
    ///
    /// # Errors
    /// [`AuthError::Invalid`] where none of them signed `message`, [`AuthError::NotReady`] where they are not loaded.
    pub(crate) async fn verify(
        &self,
        header: Header<'_>,
        message: &str,
        signature: &Vec<u8>,
    ) -> Result<(), AuthError> {
        let holds = match self {
            Self::Held(keys) if keys.algorithm() != header.algorithm => {
                return Err(AuthError::invalid("`alg` is not the configured key's algorithm"));
            }
            Self::Held(keys) => keys.verify(message, signature),
            // No shared secret is ever published, so such a token must not cause a fetch either.
            Self::Published { .. } if !header.algorithm.has_public_keys() => {
                return Err(AuthError::invalid("`alg` is not that of a published key"));
            }
            Self::Published { set, .. } => {
                set.find(header.key_id).await?.verify(header, message, signature)
            }
        };
        if holds { Ok(()) } else { Err(AuthError::invalid("the signature does not hold")) }
    }
}
