//! The sandbox over real sockets.

mod faults;
mod invoices;
mod life;
mod objects;
mod portal_page;
mod portal_sessions;
mod schema;
mod support;
