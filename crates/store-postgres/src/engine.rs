//! The engine for Postgres: connections and error codes.

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::{Error, Postgres};
use store_core::connections::CALL_LIMIT;
use store_core::engine::ErrorKind;

use crate::settings::Settings;

pub(crate) type Connection = sqlx::PgConnection;
pub(crate) type Connections = store_core::connections::Connections<Engine>;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Maximum connections. Calls take milliseconds, so more would only use memory of the server.
const MAX_CONNECTIONS: u32 = 10;

/// Creates the pool, which connects on first use.
pub(crate) fn connections(settings: Settings) -> Connections {
    // The server ends abandoned statements and transactions, which would keep their locks.
    let for_calls = settings.options.clone().options([
        ("statement_timeout", CALL_LIMIT.as_millis()),
        ("idle_in_transaction_session_timeout", CALL_LIMIT.as_millis()),
    ]);
    // A migration may run long, but must not wait long for a lock: other statements queue behind
    // it.
    let for_migrations =
        settings.options.options([("statement_timeout", "0"), ("lock_timeout", "60s")]);
    Connections::lazy(Engine, MAX_CONNECTIONS, for_calls, for_migrations)
}

/// The engine for Postgres.
#[derive(Debug)]
pub(crate) struct Engine;

impl store_core::engine::Engine for Engine {
    type Driver = Postgres;

    const BEGIN_WRITE: &'static str = "BEGIN";

    const BATCH_IS_ONE_STATEMENT: bool = true;

    async fn prepare(&self) -> Result<(), Error> {
        Ok(())
    }

    /// Classifies by <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn classify(error: &dyn DatabaseError) -> ErrorKind {
        let code = error.code().unwrap_or_default();
        match (code.get(..2).unwrap_or_default(), code.as_ref()) {
            // Missing table, column or schema.
            (_, UNDEFINED_TABLE | "42703" | "3F000") => ErrorKind::Schema,
            // Connection, login or database errors, retryable rollbacks, a full, stopping, starting
            // or broken server, a read-only standby, an ended idle transaction, or a lock timeout.
            ("08" | "28" | "3D" | "40" | "53" | "57" | "58", _)
            | (_, "25006" | "25P03" | "55P03") => ErrorKind::Unavailable,
            _ => ErrorKind::Refused,
        }
    }

    fn is_missing_table(error: &dyn DatabaseError) -> bool {
        error.code().as_deref() == Some(UNDEFINED_TABLE)
    }
}

const UNDEFINED_TABLE: &str = "42P01";
