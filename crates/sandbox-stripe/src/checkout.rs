//! Stripe's hosted checkout, in subscription mode: the page that a session links to, and what a payment makes.

mod bank;
mod entry;
mod figures;
mod over;
mod page;
mod pay;
mod routes;
mod success;
mod visit;

pub(crate) use self::routes::{Checkout, router};
