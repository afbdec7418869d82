//! The settings of the database: one variant per kind.

use secrecy::SecretString;
use store_postgres::PgSettings;
use store_sqlite::SqliteSettings;

use super::Settings;

/// The settings of a database, by the scheme of its URL.
#[derive(Clone, Debug)]
pub(crate) enum StoreSettings {
    /// `sqlite://…`
    Sqlite(SqliteSettings),
    /// `postgres://…`
    Postgres(Box<PgSettings>),
}

/// Reads the settings of the database. Returns `None` if the URL is faulty.
pub(crate) fn read(settings: &mut Settings) -> Option<StoreSettings> {
    let url = SecretString::from(settings.database_url());
    let found = if SqliteSettings::is_for(&url) {
        SqliteSettings::from_url(&url).map(StoreSettings::Sqlite)
    } else if PgSettings::is_for(&url) {
        PgSettings::from_url(&url).map(|settings| StoreSettings::Postgres(Box::new(settings)))
    } else {
        Err("it must be a sqlite://… or postgres://… URL".to_owned())
    };
    found.map_err(|remedy| settings.reader.fault("DATABASE_URL", remedy)).ok()
}

/// Returns whether a command migrates the database before it uses it.
pub(crate) fn auto_migrate(settings: &mut Settings) -> bool {
    let default = settings.database_url().starts_with("sqlite:");
    match settings.reader.text("AUTO_MIGRATE").as_deref() {
        None => default,
        Some("true") => true,
        Some("false") => false,
        Some(_) => {
            settings.reader.fault("AUTO_MIGRATE", "it must be `true` or `false`");
            default
        }
    }
}
