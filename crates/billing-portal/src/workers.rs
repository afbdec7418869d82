//! The workers: one file per background task that works on the stores or the provider.

pub(crate) mod catalogue_check;
pub(crate) mod database_watcher;
pub(crate) mod denial_writer;
pub(crate) mod inbox_worker;
pub(crate) mod pepper_check;
pub(crate) mod reconcile_worker;
pub(crate) mod retention;
