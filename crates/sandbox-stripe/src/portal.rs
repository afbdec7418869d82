//! The hosted portal: server-rendered pages behind the links of portal sessions.

pub(crate) mod address;
pub(crate) mod assets;
pub(crate) mod authenticate;
mod cancel;
pub(crate) mod cards;
mod change;
mod choice;
mod details;
mod done;
pub(crate) mod field;
mod flow;
pub(crate) mod form;
mod history;
mod invoice_row;
pub(crate) mod language;
mod notice;
mod overview;
pub(crate) mod page;
mod page_response;
mod pages;
mod routes;
mod sessions;
pub(crate) mod side;
pub(crate) mod text;

pub(crate) use self::routes::{Portal, router};
