//! Deep links into the portal.

use std::fmt;

use crate::SubscriptionId;

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
