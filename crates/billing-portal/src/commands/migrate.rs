//! `migrate`: brings the database to this version.

use serde_json::json;

use super::{Context, Failure};
use crate::logging::LogSettings;
use crate::wiring::store;

pub(crate) async fn run(context: &Context) -> Result<(), Failure> {
    let mut settings = context.settings(&[]);
    let log = LogSettings::read(&mut settings.reader, "warn");
    let store = store::read(&mut settings);
    let stores = Context::checked(settings, log, store)?.open();
    let applied = stores
        .database
        .migrate()
        .await
        .map_err(|error| Failure::failed("the migration failed", &error))?;
    stores.database.close().await;
    context.print(&json!({ "applied": applied }), || match applied {
        0 => "nothing to do: the database is at this version".to_owned(),
        1 => "1 migration applied".to_owned(),
        n => format!("{n} migrations applied"),
    })
}
