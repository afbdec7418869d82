//! `migrate`: migrates the database to this version.

use serde_json::json;

use super::{Context, open};
use crate::config::store;
use crate::failure::Failure;
use crate::logging::LogSettings;

pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let mut settings = context.settings();
    let log = LogSettings::read(&mut settings.reader, "warn");
    let store = store::read(&mut settings);
    let stores = open(settings.start(log, store)?);
    let applied = stores
        .database
        .migrate()
        .await
        .map_err(|error| Failure::failed("the migration failed", &error))?;
    stores.database.close().await;
    context.print(&json!({ "applied": applied }), || match applied {
        0 => "nothing to do: the database is up to date".to_owned(),
        1 => "1 migration applied".to_owned(),
        n => format!("{n} migrations applied"),
    })
}
