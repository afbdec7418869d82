//! Which database: one arm each.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuditLog, BackgroundTask, BillingMirror, CheckoutRequests,
    CustomerClaims, CustomerRepo, Database, EventInbox, Leadership,
};
use secrecy::SecretString;
use store_postgres::{PgSettings, PgStore};
use store_sqlite::{SqliteSettings, SqliteStore};

use crate::config::Settings;

/// A database's settings, by its URL's scheme.
#[derive(Debug)]
pub(crate) enum StoreSettings {
    /// `sqlite://…`
    Sqlite(SqliteSettings),
    /// `postgres://…`
    Postgres(Box<PgSettings>),
}

/// One database and what it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) customers: Arc<dyn CustomerRepo>,
    pub(crate) api_keys: Arc<dyn ApiKeyRepo>,
    pub(crate) usage: Arc<dyn ApiKeyUsage>,
    pub(crate) audit: Arc<dyn AuditLog>,
    pub(crate) inbox: Arc<dyn EventInbox>,
    pub(crate) mirror: Arc<dyn BillingMirror>,
    pub(crate) claims: Arc<dyn CustomerClaims>,
    pub(crate) checkouts: Arc<dyn CheckoutRequests>,
    pub(crate) leadership: Arc<dyn Leadership>,
    pub(crate) database: Arc<dyn Database>,
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

impl StoreSettings {
    /// Opens the database lazily: nothing is connected yet.
    pub(crate) fn open(self) -> Stores {
        match self {
            Self::Sqlite(settings) => {
                let (store, tasks) = SqliteStore::open(settings);
                spawn(tasks);
                Stores {
                    customers: store.customers(),
                    api_keys: store.api_keys(),
                    usage: store.usage(),
                    audit: store.audit(),
                    inbox: store.inbox(),
                    mirror: store.mirror(),
                    claims: store.claims(),
                    checkouts: store.checkouts(),
                    leadership: store.leadership(),
                    database: store.database(),
                }
            }
            Self::Postgres(settings) => {
                let (store, tasks) = PgStore::open(*settings);
                spawn(tasks);
                Stores {
                    customers: store.customers(),
                    api_keys: store.api_keys(),
                    usage: store.usage(),
                    audit: store.audit(),
                    inbox: store.inbox(),
                    mirror: store.mirror(),
                    claims: store.claims(),
                    checkouts: store.checkouts(),
                    leadership: store.leadership(),
                    database: store.database(),
                }
            }
        }
    }
}

/// Runs the tasks of a store until the process ends.
fn spawn(tasks: Vec<BackgroundTask>) {
    for task in tasks {
        tokio::spawn(task.run);
    }
}
