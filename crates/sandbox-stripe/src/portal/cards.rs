//! The customer's cards: adding, choosing the default, removing.

pub(super) mod add;
pub(super) mod default;
pub(crate) mod entry;
pub(super) mod remove;
pub(crate) mod row;
pub(super) mod save;
