//! The composition root: the only place that names adapters.

pub(crate) mod accounts;
pub(crate) mod clock;
pub(crate) mod data_folder;
pub(crate) mod fresh_keys;
pub(crate) mod keys;
pub(crate) mod provider;
pub(crate) mod store;
