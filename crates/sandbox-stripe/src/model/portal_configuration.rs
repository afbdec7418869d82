//! What the portal's pages offer.

use serde::{Deserialize, Serialize};

use super::{Metadata, Record, Timestamp};

/// A portal configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalConfiguration {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) active: bool,
    pub(crate) is_default: bool,
    pub(crate) name: Option<String>,
    pub(crate) default_return_url: Option<String>,
    pub(crate) headline: Option<String>,
    pub(crate) privacy_policy_url: Option<String>,
    pub(crate) terms_of_service_url: Option<String>,
    pub(crate) features: PortalFeatures,
    pub(crate) metadata: Metadata,
}

/// Which of the portal's five capabilities are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalFeatures {
    pub(crate) customer_update: bool,
    pub(crate) invoice_history: bool,
    pub(crate) payment_method_update: bool,
    pub(crate) subscription_cancel: bool,
    pub(crate) subscription_update: bool,
}

impl PortalFeatures {
    /// What a fresh sandbox offers.
    pub(crate) const ALL: Self = Self {
        customer_update: true,
        invoice_history: true,
        payment_method_update: true,
        subscription_cancel: true,
        subscription_update: true,
    };
}

impl Record for PortalConfiguration {
    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        None
    }
}
