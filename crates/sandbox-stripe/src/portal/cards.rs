//! The customer's cards: adding a card, choosing the default, removing a card.

pub(super) mod add;
pub(super) mod default;
pub(crate) mod entry;
pub(super) mod remove;
pub(crate) mod row;
pub(super) mod save;
