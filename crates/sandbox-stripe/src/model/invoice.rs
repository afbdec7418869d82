//! What a customer owes or has paid.

use serde::{Deserialize, Serialize};

use super::{Metadata, Record, Timestamp};

/// An invoice; the customer's name and e-mail are those of the day it was made final.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoice {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) number: Option<String>,
    pub(crate) customer: String,
    pub(crate) customer_name: Option<String>,
    pub(crate) customer_email: Option<String>,
    pub(crate) subscription: Option<String>,
    pub(crate) status: InvoiceStatus,
    pub(crate) billing_reason: BillingReason,
    pub(crate) currency: String,
    pub(crate) period_start: Timestamp,
    pub(crate) period_end: Timestamp,
    pub(crate) lines: Vec<InvoiceLine>,
    pub(crate) amount_paid: i64,
    pub(crate) finalized_at: Option<Timestamp>,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) voided_at: Option<Timestamp>,
    pub(crate) metadata: Metadata,
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvoiceLine {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) amount: i64,
    pub(crate) quantity: i64,
    pub(crate) price: String,
    pub(crate) product: String,
    pub(crate) unit_amount: i64,
    pub(crate) subscription_item: Option<String>,
    pub(crate) proration: bool,
    pub(crate) period_start: Timestamp,
    pub(crate) period_end: Timestamp,
}

/// Where an invoice stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

/// Why an invoice was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BillingReason {
    SubscriptionCreate,
    SubscriptionCycle,
}

impl Invoice {
    /// The sum of the lines, in the currency's smallest unit.
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.amount).sum()
    }

    /// What is still owed.
    pub(crate) fn amount_remaining(&self) -> i64 {
        match self.status {
            InvoiceStatus::Void => 0,
            _ => (self.total() - self.amount_paid).max(0),
        }
    }
}

impl InvoiceStatus {
    /// Stripe's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Uncollectible => "uncollectible",
            Self::Void => "void",
        }
    }
}

impl BillingReason {
    /// Stripe's word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SubscriptionCreate => "subscription_create",
            Self::SubscriptionCycle => "subscription_cycle",
        }
    }
}

impl Record for Invoice {
    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.customer)
    }
}
