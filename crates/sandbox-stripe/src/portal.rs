//! The hosted portal: server-rendered pages behind the links that portal sessions mint.

pub(crate) mod assets;
pub(crate) mod dates;
pub(crate) mod language;
pub(crate) mod money;
mod overview;
pub(crate) mod page;
mod routes;
mod sessions;
pub(crate) mod text;

pub(crate) use self::routes::{Portal, router};
