//! The sandbox over real sockets.

mod catalog;
mod configurations;
mod events;
mod faults;
mod invoices;
mod life;
mod objects;
mod payment_methods;
mod portal_page;
mod portal_sessions;
mod schema;
mod subscriptions;
mod support;
