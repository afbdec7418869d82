//! The database: one variant per kind.

use std::sync::Arc;

use billing_domain::ports::{
    ApiKeyRepo, ApiKeyUsage, AuditLog, BackgroundTask, BillingMirror, CheckoutRequests,
    CustomerClaims, CustomerRepo, Database, EventInbox, Leadership,
};
use store_postgres::PgStore;
use store_sqlite::SqliteStore;

use crate::config::store::StoreSettings;

/// The repositories of one database.
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

/// Creates the stores. The first call connects to the database. The stores need the tasks to run.
pub(crate) fn open(settings: StoreSettings) -> (Stores, Vec<BackgroundTask>) {
    match settings {
        StoreSettings::Sqlite(settings) => {
            let (store, tasks) = SqliteStore::open(settings);
            let stores = Stores {
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
            };
            (stores, tasks)
        }
        StoreSettings::Postgres(settings) => {
            let (store, tasks) = PgStore::open(*settings);
            let stores = Stores {
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
            };
            (stores, tasks)
        }
    }
}
