//! Invoices.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{Decline, Metadata, Timestamp};
use crate::ids;

/// An invoice. The customer's name and e-mail address are copied when it is finalized.
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
    /// The customer's balance before this invoice; negative for credit.
    pub(crate) starting_balance: i64,
    /// The customer's balance after this invoice; None for a draft.
    pub(crate) ending_balance: Option<i64>,
    pub(crate) amount_paid: i64,
    /// The number of payment attempts.
    pub(crate) attempt_count: u32,
    /// The failure of the last attempt, while the invoice is open.
    pub(crate) failure: Option<PaymentFailure>,
    /// The secret in the hosted page's URL.
    pub(crate) hosted_token: Option<HostedToken>,
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

/// The secret in the URL of an invoice page or checkout page. It permits opening the page.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct HostedToken(String);

impl HostedToken {
    /// Creates a random token.
    pub(crate) fn mint() -> io::Result<Self> {
        ids::secret().map(Self)
    }

    /// Returns the secret for use in the URL only.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for HostedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HostedToken([redacted])")
    }
}

/// The reason for a failed payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentFailure {
    /// There is no payment method.
    NoPaymentMethod,
    /// The cardholder must confirm the payment.
    NeedsAuthentication,
    Declined(Decline),
}

/// The status of an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InvoiceStatus {
    Draft,
    Open,
    Paid,
    Uncollectible,
    Void,
}

/// The reason why an invoice was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BillingReason {
    SubscriptionCreate,
    SubscriptionCycle,
    SubscriptionUpdate,
    /// Only in a preview.
    Upcoming,
}

impl Invoice {
    /// Returns the sum of the lines, in the currency's smallest unit.
    pub(crate) fn total(&self) -> i64 {
        self.lines.iter().fold(0, |total, line| total.saturating_add(line.amount))
    }

    /// Returns the total with the balance applied; at least zero.
    pub(crate) fn amount_due(&self) -> i64 {
        self.total().saturating_add(self.starting_balance).max(0)
    }

    /// Returns the unpaid amount.
    pub(crate) fn amount_remaining(&self) -> i64 {
        match self.status {
            InvoiceStatus::Void => 0,
            _ => self.amount_due().saturating_sub(self.amount_paid).max(0),
        }
    }

    /// Returns whether a payment failed and the invoice is still open.
    pub(crate) fn is_overdue(&self) -> bool {
        self.status == InvoiceStatus::Open && self.failure.is_some()
    }
}

words!(InvoiceStatus {
    Draft => "draft",
    Open => "open",
    Paid => "paid",
    Uncollectible => "uncollectible",
    Void => "void",
});

words!(BillingReason {
    SubscriptionCreate => "subscription_create",
    SubscriptionCycle => "subscription_cycle",
    SubscriptionUpdate => "subscription_update",
    Upcoming => "upcoming",
});
