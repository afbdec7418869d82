//! Products.

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};

/// A product. Its prices are separate records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Product {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) active: bool,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) default_price: Option<String>,
    pub(crate) images: Vec<String>,
    pub(crate) marketing_features: Vec<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) unit_label: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) metadata: Metadata,
}
