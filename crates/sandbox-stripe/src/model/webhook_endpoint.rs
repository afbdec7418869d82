//! Webhook endpoints.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};
use crate::ids::{self, IdKind};

/// A URL that receives events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) url: String,
    pub(crate) secret: SigningSecret,
    /// The subscribed event types; `*` is every type.
    pub(crate) enabled_events: Vec<String>,
    pub(crate) disabled: bool,
    /// The version in the request that created it; None for the account's version.
    pub(crate) api_version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

/// The secret that signs deliveries. It permits impersonating the sandbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SigningSecret(String);

impl WebhookEndpoint {
    /// Returns whether the endpoint receives events of this type.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        !self.disabled
            && self.enabled_events.iter().any(|enabled| enabled == "*" || enabled == kind)
    }
}

impl SigningSecret {
    /// Creates a random secret.
    pub(crate) fn mint() -> io::Result<Self> {
        ids::generate(IdKind::SigningSecret).map(Self)
    }

    /// Returns the secret, for the response that creates the endpoint and for signing.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningSecret([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signing_secret_has_stripes_form_and_debug_redacts_it() {
        let secret = SigningSecret::mint().expect("secret");
        assert!(secret.reveal().starts_with("whsec_") && secret.reveal().len() == 38);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    }
}
