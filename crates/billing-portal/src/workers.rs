//! The workers: background tasks that use the stores or the provider.

pub(crate) mod catalogue_check;
pub(crate) mod database_watcher;
pub(crate) mod denial_writer;
pub(crate) mod inbox_worker;
pub(crate) mod pepper_check;
pub(crate) mod reconcile_worker;
pub(crate) mod retention;
