//! The service's data on Postgres: customers, their claims and their mirror, API keys, events, checkout requests and the audit
//! log, each behind its port in [`billing_domain::ports`]; and the [`Database`](billing_domain::ports::Database) itself.
//!
//! Most adapters are the source text in `store-core/src/adapters`, compiled here against Postgres. The modules of this crate
//! have only what differs on SQLite.

#[path = "../../store-core/src/adapters/mod.rs"]
mod adapters;
mod api_key_repo;
mod audit_log;
mod billing_mirror;
mod engine;
mod key_changes;
mod mirror_write;
mod settings;
mod statements;

use adapters::{customer_repo, forgetting};
use store_core::{audit_rows, error, group_commit, mirror_rows, pruning, rows};

/// What the adapters of this crate alone still use.
mod connections {
    use billing_domain::ports::RepoError;

    use crate::engine::Engine;
    use crate::error::StoreError;

    pub(crate) use crate::engine::Connections;

    pub(crate) async fn bounded<T>(
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, RepoError> {
        store_core::connections::bounded(async {
            call.await.map_err(StoreError::into_repo::<Engine>)
        })
        .await
    }
}

mod in_flux {
    pub(crate) use crate::api_key_repo::PgApiKeyRepo as SqlApiKeyRepo;
    pub(crate) use crate::audit_log::PgAuditLog as SqlAuditLog;
    pub(crate) use crate::billing_mirror::PgBillingMirror as SqlBillingMirror;
}

pub use adapters::store::SqlStore as PgStore;
pub use settings::Settings as PgSettings;
