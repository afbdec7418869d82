//! Stripe's hosted checkout in subscription mode: the session's page, and payment.

mod bank;
mod entry;
mod figures;
mod page;
mod pay;
mod routes;
mod success;
mod unavailable;
mod visit;

pub(crate) use self::routes::{Checkout, router};
