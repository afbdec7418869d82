//! The parameters and the results of the provider's checkout.

use crate::{
    BillingCycle, CheckoutSessionId, Currency, CustomerId, Deadline, HostedUrl, PriceId,
    ProviderKey, ReturnUrl, UserId,
};

/// The parameters of a new customer.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// The owner. The provider stores the id in the customer's metadata.
    pub owner: UserId,
    /// The idempotency key: the same key returns the same customer.
    pub key: ProviderKey,
    /// The deadline of the request.
    pub deadline: Deadline,
}

/// The parameters of a checkout session for a subscription.
#[derive(Clone, Debug)]
pub struct CheckoutOrder {
    /// The customer.
    pub customer: CustomerId,
    /// The owner. The provider stores the id with the session and the subscription.
    pub owner: UserId,
    /// The price. The quantity is 1.
    pub price: PriceId,
    /// The URL after the payment. May contain `{CHECKOUT_SESSION_ID}`.
    pub success_url: ReturnUrl,
    /// The URL of a cancelled checkout.
    pub cancel_url: ReturnUrl,
    /// The idempotency key: the same key returns the same session.
    pub key: ProviderKey,
    /// The deadline of the request.
    pub deadline: Deadline,
}

/// A checkout session.
#[derive(Clone, Debug)]
pub struct CheckoutSession {
    /// The id. Safe to log.
    pub id: CheckoutSessionId,
    /// The URL of the payment page.
    pub url: HostedUrl,
}

/// A price at the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPrice {
    /// The amount per cycle in the currency's minor unit; `None` for metered or tiered prices.
    pub amount: Option<u64>,
    /// The currency.
    pub currency: Currency,
    /// The billing cycle; `None` if it is neither monthly nor yearly.
    pub cycle: Option<BillingCycle>,
    /// Whether the price is active.
    pub active: bool,
}
