//! Deep links into the portal.

use std::fmt;

use crate::SubscriptionId;

/// A task that the portal opens. Afterwards the portal redirects the user to the return URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PortalFlow {
    /// Change the payment method.
    PaymentMethodUpdate,
    /// Cancel this subscription.
    SubscriptionCancel(SubscriptionId),
    /// Change this subscription's plan.
    SubscriptionUpdate(SubscriptionId),
}

/// The kind of a flow, without its data.
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
    /// Returns the flow's kind.
    #[must_use]
    pub const fn kind(&self) -> FlowKind {
        match self {
            Self::PaymentMethodUpdate => FlowKind::PaymentMethodUpdate,
            Self::SubscriptionCancel(_) => FlowKind::SubscriptionCancel,
            Self::SubscriptionUpdate(_) => FlowKind::SubscriptionUpdate,
        }
    }

    /// Returns the flow's subscription, if it has one.
    #[must_use]
    pub const fn subscription(&self) -> Option<&SubscriptionId> {
        match self {
            Self::PaymentMethodUpdate => None,
            Self::SubscriptionCancel(id) | Self::SubscriptionUpdate(id) => Some(id),
        }
    }
}

impl FlowKind {
    /// Every kind.
    pub const ALL: [Self; 3] =
        [Self::PaymentMethodUpdate, Self::SubscriptionCancel, Self::SubscriptionUpdate];

    /// Returns the flow's name in the API, for example `payment_method_update`.
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
