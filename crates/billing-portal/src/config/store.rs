//! The settings of the database: one arm per kind.

use secrecy::SecretString;
use store_postgres::PgSettings;
use store_sqlite::SqliteSettings;

use super::Settings;

/// A database's settings, by its URL's scheme.
#[derive(Clone, Debug)]
pub(crate) enum StoreSettings {
    /// `sqlite://…`
    Sqlite(SqliteSettings),
    /// `postgres://…`
    Postgres(Box<PgSettings>),
}

/// The configured database; `None` where its URL is wrong.
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

/// Whether a command migrates the database before it works on it.
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
