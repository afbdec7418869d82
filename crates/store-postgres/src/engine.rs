//! Postgres as an engine: its connections and its error codes.

use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::{Error, Postgres};
use store_core::connections::CALL_LIMIT;
use store_core::engine::Kind;

use crate::settings::Settings;

pub(crate) type Connection = sqlx::PgConnection;
pub(crate) type Connections = store_core::connections::Connections<Engine>;

pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/postgres");

/// Calls take milliseconds; more connections would only take more of the server's memory.
const MAX_CONNECTIONS: u32 = 10;

/// Connects to nothing yet.
pub(crate) fn connections(settings: Settings) -> Connections {
    // The server's own limits: a statement or a transaction whose caller has left would keep its locks.
    let for_calls = settings.options.clone().options([
        ("statement_timeout", CALL_LIMIT.as_millis()),
        ("idle_in_transaction_session_timeout", CALL_LIMIT.as_millis()),
    ]);
    // The operator decides how long a migration may take, but all other statements wait behind one that waits for a lock.
    let for_migrations =
        settings.options.options([("statement_timeout", "0"), ("lock_timeout", "60s")]);
    Connections::lazy(Engine, MAX_CONNECTIONS, for_calls, for_migrations)
}

/// Needs no preparation.
#[derive(Debug)]
pub(crate) struct Engine;

impl store_core::engine::Engine for Engine {
    type Driver = Postgres;

    const BEGIN_WRITE: &'static str = "BEGIN";

    const BATCH_IS_ONE_STATEMENT: bool = true;

    async fn prepare(&self) -> Result<(), Error> {
        Ok(())
    }

    /// By the classes of codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
    fn classify(answer: &dyn DatabaseError) -> Kind {
        let code = answer.code().unwrap_or_default();
        match (code.get(..2).unwrap_or_default(), code.as_ref()) {
            // No table, no column, no schema, and no schema on the search path to make a table in.
            (_, UNDEFINED_TABLE | "42703" | "3F000") => Kind::Schema,
            // Connection exceptions, refused logins, no such database, rollbacks that ask to be repeated, a server that is
            // full, shutting down, starting up or broken; a standby that takes no writes yet; an idle transaction that was
            // ended; a lock that was not available in time.
            ("08" | "28" | "3D" | "40" | "53" | "57" | "58", _)
            | (_, "25006" | "25P03" | "55P03") => Kind::Unavailable,
            _ => Kind::Refused,
        }
    }

    fn is_missing_table(answer: &dyn DatabaseError) -> bool {
        answer.code().as_deref() == Some(UNDEFINED_TABLE)
    }
}

const UNDEFINED_TABLE: &str = "42P01";
