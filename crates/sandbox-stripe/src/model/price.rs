//! Prices.

use serde::{Deserialize, Serialize};

use super::{Metadata, Timestamp};

/// A price per unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Price {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) active: bool,
    pub(crate) product: String,
    /// ISO 4217, lower case.
    pub(crate) currency: String,
    /// In the currency's smallest unit.
    pub(crate) unit_amount: i64,
    pub(crate) recurring: Option<Recurring>,
    pub(crate) nickname: Option<String>,
    pub(crate) lookup_key: Option<String>,
    /// `exclusive`, `inclusive` or `unspecified`. The sandbox has no taxes.
    pub(crate) tax_behavior: String,
    pub(crate) metadata: Metadata,
}

/// The billing period of a recurring price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recurring {
    pub(crate) interval: Interval,
    pub(crate) interval_count: u32,
}

impl Recurring {
    /// Returns the approximate number of days, for sorting periods by length.
    pub(crate) const fn length(self) -> u32 {
        let days = match self.interval {
            Interval::Day => 1,
            Interval::Week => 7,
            Interval::Month => 30,
            Interval::Year => 365,
        };
        self.interval_count.saturating_mul(days)
    }
}

/// The unit of a billing period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interval {
    Day,
    Week,
    Month,
    Year,
}

words!(Interval {
    Day => "day", Week => "week", Month => "month", Year => "year",
});
