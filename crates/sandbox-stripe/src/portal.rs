//! The hosted portal: server-rendered pages behind the links that portal sessions mint.

mod assets;
mod dates;
mod language;
mod money;
mod overview;
mod page;
mod routes;
mod sessions;
mod text;

pub(crate) use self::routes::{Portal, router};
