//! Where events are delivered to.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};
use crate::ids::{self, IdKind};

/// An address that hears of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookEndpoint {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) url: String,
    pub(crate) secret: SigningSecret,
    /// The types that it asks for; `*` is every type.
    pub(crate) enabled_events: Vec<String>,
    pub(crate) disabled: bool,
    /// The version that it has asked for; none where it takes the account's.
    pub(crate) api_version: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
}

/// The secret that deliveries are signed under: whoever has it can pass for the sandbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SigningSecret(String);

impl WebhookEndpoint {
    /// Whether it is to hear of an event of this type.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        !self.disabled
            && self.enabled_events.iter().any(|enabled| enabled == "*" || enabled == kind)
    }
}

impl SigningSecret {
    /// A fresh one.
    pub(crate) fn mint() -> io::Result<Self> {
        ids::fresh(IdKind::SigningSecret).map(Self)
    }

    /// The text, which its owner is told once.
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
    fn a_signing_secret_has_stripes_form_and_is_printed_by_nothing() {
        let secret = SigningSecret::mint().expect("secret");
        assert!(secret.reveal().starts_with("whsec_") && secret.reveal().len() == 38);
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..]));
    }
}
