//! Deep links into the portal.

use std::fmt;
use std::str::FromStr;

/// A subscription's id at the provider (`sub_…` at Stripe): 1 to 255 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionId(String);

/// Why a subscription id was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a subscription id is 1 to 255 of A-Z a-z 0-9 _ -")]
pub struct SubscriptionIdError;

/// One task that the portal opens on; when it is done, the user lands on the return URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortalFlow {
    /// Change the card or other means of payment.
    PaymentMethodUpdate,
    /// Cancel this subscription.
    SubscriptionCancel(SubscriptionId),
    /// Change this subscription's plan.
    SubscriptionUpdate(SubscriptionId),
}

/// A flow without its data: what a provider declares it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FlowKind {
    /// See [`PortalFlow::PaymentMethodUpdate`].
    PaymentMethodUpdate,
    /// See [`PortalFlow::SubscriptionCancel`].
    SubscriptionCancel,
    /// See [`PortalFlow::SubscriptionUpdate`].
    SubscriptionUpdate,
}

impl SubscriptionId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SubscriptionId {
    type Err = SubscriptionIdError;

    fn from_str(text: &str) -> Result<Self, SubscriptionIdError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if (1..=255).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SubscriptionIdError)
        }
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PortalFlow {
    /// The flow without its data.
    #[must_use]
    pub const fn kind(&self) -> FlowKind {
        match self {
            Self::PaymentMethodUpdate => FlowKind::PaymentMethodUpdate,
            Self::SubscriptionCancel(_) => FlowKind::SubscriptionCancel,
            Self::SubscriptionUpdate(_) => FlowKind::SubscriptionUpdate,
        }
    }

    /// The subscription it is about, if it is about one.
    #[must_use]
    pub const fn subscription(&self) -> Option<&SubscriptionId> {
        match self {
            Self::PaymentMethodUpdate => None,
            Self::SubscriptionCancel(id) | Self::SubscriptionUpdate(id) => Some(id),
        }
    }
}

impl FlowKind {
    /// Every flow of the contract.
    pub const ALL: [Self; 3] =
        [Self::PaymentMethodUpdate, Self::SubscriptionCancel, Self::SubscriptionUpdate];

    /// The contract's name for it, for instance `payment_method_update`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentMethodUpdate => "payment_method_update",
            Self::SubscriptionCancel => "subscription_cancel",
            Self::SubscriptionUpdate => "subscription_update",
        }
    }
}

impl fmt::Display for FlowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
