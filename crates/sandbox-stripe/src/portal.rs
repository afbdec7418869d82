//! The hosted portal: server-rendered pages behind the links that portal sessions mint.

mod assets;
pub(crate) mod dates;
mod language;
pub(crate) mod money;
mod overview;
mod page;
mod routes;
mod sessions;
pub(crate) mod text;

pub(crate) use self::routes::{Portal, router};
