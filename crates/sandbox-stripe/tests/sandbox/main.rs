//! The sandbox over real sockets.

mod browser;
mod catalog;
mod configurations;
mod events;
mod faults;
mod invoices;
mod life;
mod objects;
mod payment_methods;
mod portal_cancel;
mod portal_cards;
mod portal_details;
mod portal_features;
mod portal_flows;
mod portal_forms;
mod portal_links;
mod portal_page;
mod portal_plans;
mod portal_sessions;
mod schema;
mod shop;
mod subscription_ends;
mod subscriptions;
mod support;
