//! The customer's cards: adding, choosing the default, removing.

pub(super) mod add;
pub(super) mod default;
pub(super) mod entry;
pub(super) mod remove;
pub(super) mod row;
pub(super) mod save;
