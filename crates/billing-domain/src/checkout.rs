//! Checkout: orders, price checks and checkout sessions.

mod checkout_service;
mod order;
mod price_check;

pub use checkout_service::{
    CheckoutError, CheckoutPorts, CheckoutService, CheckoutUrlKind, CheckoutUrls, StartCheckout,
    StartedCheckout,
};
pub use order::{CheckoutOrder, CheckoutSession, NewCustomer, ProviderPrice};
pub use price_check::{PriceCheck, PriceMismatch};
