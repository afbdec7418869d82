//! What a provider's checkout is asked for, and what it gives.

use crate::{
    BillingCycle, CheckoutSessionId, Currency, CustomerId, Deadline, HostedUrl, PriceId,
    ProviderKey, ReturnUrl, UserId,
};

/// An order for a customer of the provider's.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// Whose customer: the provider keeps it in the customer's metadata.
    pub owner: UserId,
    /// Makes the order one, however often it is sent: the same key gives the same customer.
    pub key: ProviderKey,
    /// When the caller's time is up.
    pub deadline: Deadline,
}

/// An order for a checkout session that sells a subscription.
#[derive(Clone, Debug)]
pub struct CheckoutOrder {
    /// Who buys.
    pub customer: CustomerId,
    /// Whose customer that is: the provider keeps it with the session and the subscription.
    pub owner: UserId,
    /// What is bought, once.
    pub price: PriceId,
    /// Where the user goes after paying. May hold `{CHECKOUT_SESSION_ID}`.
    pub success_url: ReturnUrl,
    /// Where the user goes who does not pay.
    pub cancel_url: ReturnUrl,
    /// Makes the order one, however often it is sent.
    pub key: ProviderKey,
    /// When the caller's time is up.
    pub deadline: Deadline,
}

/// A checkout session.
#[derive(Clone, Debug)]
pub struct CheckoutSession {
    /// Its id, which is safe to log.
    pub id: CheckoutSessionId,
    /// Where the user pays.
    pub url: HostedUrl,
}

/// What the provider says about a price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderPrice {
    /// The amount of one cycle, in the currency's minor unit; `None` where it is no plain amount.
    pub amount: Option<u64>,
    /// The currency.
    pub currency: Currency,
    /// How often it is paid, where that is by the month or by the year.
    pub cycle: Option<BillingCycle>,
    /// Whether it can be bought.
    pub active: bool,
}
