//! The sandbox over real sockets.

mod browser;
mod life;
mod objects;
mod portal_cancel;
mod portal_cards;
mod portal_details;
mod portal_flows;
mod portal_forms;
mod portal_page;
mod portal_plans;
mod portal_sessions;
mod schema;
mod support;
