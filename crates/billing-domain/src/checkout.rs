//! Buying a plan: the catalogue, orders and checkout sessions.

mod checkout_service;
mod order;
mod plan;
mod price_check;

pub use checkout_service::{
    CheckoutError, CheckoutPorts, CheckoutService, CheckoutUrl, CheckoutUrls, StartCheckout,
    StartedCheckout,
};
pub use order::{
    CheckoutOrder, CheckoutSession, CheckoutSessionId, CheckoutSessionIdError, CustomerOrder,
    IdempotencyKey, IdempotencyKeyError, PriceFacts, ProviderKey,
};
pub use plan::{
    BillingCycle, BillingCycleError, Catalogue, CatalogueError, Currency, CurrencyError, Plan,
    PlanId, PlanIdError, PlanPrice, PriceId, PriceIdError,
};
pub use price_check::{PriceCheck, PriceMismatch};
