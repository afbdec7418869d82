//! The sandbox over real sockets.

mod life;
mod objects;
mod portal_page;
mod portal_sessions;
mod schema;
mod subscriptions;
mod support;
