//! The hosted portal: server-rendered pages behind the links that portal sessions mint.

mod answer;
pub(crate) mod assets;
mod authenticate;
mod cancel;
mod cards;
mod change;
pub(crate) mod dates;
mod details;
mod done;
mod field;
mod flow;
mod form;
mod history;
mod invoice_row;
pub(crate) mod language;
pub(crate) mod money;
mod notice;
mod overview;
pub(crate) mod page;
mod rooms;
mod routes;
mod sessions;
mod side;
pub(crate) mod text;

pub(crate) use self::routes::{Portal, router};
