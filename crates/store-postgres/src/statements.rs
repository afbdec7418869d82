//! Statements with different SQL on SQLite. `store-sqlite` has the same functions.

use billing_domain::{
    ApiKeyId, ClaimToken, ClaimedEvents, EventId, InboxState, MirrorUpdate, ProviderAccount,
    Timestamp, UserId,
};
use sqlx::migrate::Migrate;
use store_core::audit_rows::AuditRow;
use store_core::error::{StoreError, migrate_error};
use store_core::inbox_rows::{EventRow, NewEventRow};
use store_core::migrations::apply_missing;
use store_core::mirror_rows::NewSubscriptionRow;
use store_core::pruning::BATCH_SIZE;

use crate::engine::{Connection, Engine, MIGRATIONS};

/// Namespace of the advisory locks on owners: "api_keys" in ASCII.
const OWNER_LOCKS: i64 = 0x6170_695f_6b65_7973;

/// Key of the advisory lock on the end of the log: "auditlog" in ASCII.
const LOG_LOCK: i64 = 0x6175_6469_746c_6f67;

/// Applies each missing migration in a transaction, with a lock that ends with the connection.
pub(crate) async fn migrate(connection: &mut Connection) -> Result<usize, StoreError> {
    connection.lock().await.map_err(|error| migrate_error::<Engine>(&error))?;
    apply_missing::<Engine>(connection, &MIGRATIONS).await
}

/// Records the last use of keys. Locks rows in the order of ids, which prevents deadlocks.
pub(crate) async fn record_uses(
    connection: &mut Connection,
    uses: &[(ApiKeyId, Timestamp)],
) -> Result<(), StoreError> {
    let (ids, times): (Vec<&str>, Vec<i64>) =
        uses.iter().map(|(id, at)| (id.as_str(), at.as_millis())).unzip();
    sqlx::query!(
        "WITH latest AS (
             SELECT id, max(at) AS at FROM UNNEST($1::text[], $2::bigint[]) AS uses (id, at) GROUP BY id
         ), used AS (
             SELECT api_keys.id, latest.at FROM api_keys JOIN latest ON api_keys.id = latest.id
             WHERE api_keys.last_used_at IS NULL OR api_keys.last_used_at < latest.at
             ORDER BY api_keys.id FOR NO KEY UPDATE OF api_keys
         )
         UPDATE api_keys SET last_used_at = used.at FROM used
         WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)",
        &ids as _,
        &times,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts new events in the order of the primary key, which prevents deadlocks.
pub(crate) async fn insert_events(
    connection: &mut Connection,
    rows: &[NewEventRow],
) -> Result<(), StoreError> {
    let mut rows: Vec<&NewEventRow> = rows.iter().collect();
    rows.sort_unstable();
    sqlx::query!(
        "INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, subject_id, created_at, received_at,
                                     state, state_at, attempts)
         SELECT provider, mode, event_id, kind, subject_kind, subject_id, created_at, received_at, 'pending',
                received_at, 0
         FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[])
              WITH ORDINALITY AS new (provider, mode, event_id, kind, subject_kind, subject_id, created_at,
                                      received_at, place)
         ORDER BY place
         ON CONFLICT (provider, mode, event_id) DO NOTHING",
        rows.iter().map(|row| &row.provider).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.mode).collect::<Vec<_>>() as _,
        rows.iter().map(|row| &row.event_id).collect::<Vec<_>>() as _,
        rows.iter().map(|row| &row.kind).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.subject_kind).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.subject_id.as_ref()).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.created_at).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.received_at).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Claims due events in one statement and skips events that another worker has locked. It uses an
/// array, because Postgres plans a join badly after a table has grown.
pub(crate) async fn claim(
    connection: &mut Connection,
    account: &ProviderAccount,
    token: &ClaimToken,
    limit: u32,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<EventRow>, StoreError> {
    let rows = sqlx::query_as!(
        EventRow,
        "UPDATE webhook_events SET claim_token = $3, claimed_until = $5, attempts = attempts + 1
         WHERE provider = $1 AND mode = $2 AND event_id = ANY (ARRAY(
             SELECT event_id FROM webhook_events
             WHERE provider = $1 AND mode = $2 AND state = 'pending' AND state_at <= $4
               AND (claimed_until IS NULL OR claimed_until <= $4) AND claim_token IS DISTINCT FROM $3
             ORDER BY state_at, event_id LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED))
         RETURNING event_id, kind, subject_kind, subject_id AS \"subject_id?\", created_at, received_at, state,
                   state_at, attempts, error AS \"error?\"",
        account.provider().as_str(),
        account.mode().as_str(),
        token.0,
        now.as_millis(),
        until.as_millis(),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Changes the state of the claim's events and returns their number. Skips events that another
/// token has claimed.
pub(crate) async fn end_claim(
    connection: &mut Connection,
    account: &ProviderAccount,
    claimed: &ClaimedEvents,
    state: InboxState,
    error: Option<String>,
) -> Result<u64, StoreError> {
    let (status, at) = state.parts();
    let ended = sqlx::query!(
        "UPDATE webhook_events SET state = $5, state_at = $6, error = $7, claimed_until = NULL
         WHERE provider = $1 AND mode = $2 AND event_id = ANY($3::text[])
           AND state = 'pending' AND claim_token = $4 AND claimed_until IS NOT NULL",
        account.provider().as_str(),
        account.mode().as_str(),
        claimed.events.iter().map(EventId::as_str).collect::<Vec<_>>() as _,
        claimed.token.0,
        status.as_str(),
        at.as_millis(),
        error,
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

/// Deletes a batch of processed events older than `before`. Returns their number.
pub(crate) async fn prune_events(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM webhook_events WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM webhook_events WHERE state IN ('applied', 'ignored') AND state_at < $1
             ORDER BY state_at LIMIT $2))",
        before.as_millis(),
        BATCH_SIZE,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Deletes a batch of requests older than `before`. Returns their number.
pub(crate) async fn prune_checkout_requests(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM checkout_requests WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM checkout_requests WHERE created_at < $1 ORDER BY created_at LIMIT $2))",
        before.as_millis(),
        BATCH_SIZE,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Inserts records in the given order, in one statement. Its transaction shares the lock on the log
/// with other writers; see [`log_end`].
pub(crate) async fn insert_audit_rows(
    connection: &mut Connection,
    rows: &[AuditRow],
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let text =
        |column: fn(&AuditRow) -> Option<&String>| rows.iter().map(column).collect::<Vec<_>>();
    sqlx::query!(
        "WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock_shared($1))
         INSERT INTO audit_log (at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id, source,
                                cause, count)
         SELECT at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id, source, cause, count
         FROM lock, UNNEST($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                           $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[])
                    WITH ORDINALITY AS new (at, kind, action, actor, user_id, key_id, provider, mode, customer_id,
                                            request_id, source, cause, count, place)
         ORDER BY place",
        LOG_LOCK,
        rows.iter().map(|row| row.at).collect::<Vec<_>>() as _,
        rows.iter().map(|row| &row.kind).collect::<Vec<_>>() as _,
        text(|row| row.action.as_ref()) as _,
        text(|row| row.actor.as_ref()) as _,
        text(|row| row.user_id.as_ref()) as _,
        text(|row| row.key_id.as_ref()) as _,
        text(|row| row.provider.as_ref()) as _,
        text(|row| row.mode.as_ref()) as _,
        text(|row| row.customer_id.as_ref()) as _,
        text(|row| row.request_id.as_ref()) as _,
        text(|row| row.source.as_ref()) as _,
        text(|row| row.cause.as_ref()) as _,
        rows.iter().map(|row| row.count).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Returns the highest sequence number up to which all rows are committed.
///
/// A row gets its number before its commit, so a reader could see a higher number first and miss
/// the lower one. Writers share the lock until their commit. The exclusive lock waits for all of
/// them.
pub(crate) async fn log_end(connection: &mut Connection) -> Result<i64, StoreError> {
    let last = sqlx::query_scalar!(
        "WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock($1))
         SELECT last_value FROM lock, audit_log_sequence_seq",
        LOG_LOCK,
    )
    .fetch_one(connection)
    .await?;
    Ok(last)
}

/// Locks an owner until the end of the transaction, against concurrent calls with a limit.
pub(crate) async fn lock_owner(
    connection: &mut Connection,
    owner: &UserId,
) -> Result<(), StoreError> {
    let lock = sqlx::query!(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, $2))",
        owner.as_str(),
        OWNER_LOCKS
    );
    lock.execute(connection).await?;
    Ok(())
}

/// Locks the keys of an owner in the order of ids, like [`record_uses`], which prevents deadlocks.
pub(crate) async fn lock_keys(
    connection: &mut Connection,
    owner: &UserId,
) -> Result<(), StoreError> {
    let keys = sqlx::query_scalar!(
        "SELECT id FROM api_keys WHERE user_id = $1 ORDER BY id FOR UPDATE",
        owner.as_str()
    );
    keys.fetch_all(connection).await?;
    Ok(())
}

/// Locks a key. Returns its expiry and revocation times.
pub(crate) async fn lock_key(
    connection: &mut Connection,
    id: &ApiKeyId,
) -> Result<Option<(Option<i64>, Option<i64>)>, StoreError> {
    let key = sqlx::query!(
        "SELECT expires_at, revoked_at FROM api_keys WHERE id = $1 FOR NO KEY UPDATE",
        id.as_str()
    );
    let found = key.fetch_optional(connection).await?;
    Ok(found.map(|key| (key.expires_at, key.revoked_at)))
}

/// Revokes all keys of an owner. Returns their creation times and ids. Locks in the order of ids,
/// like [`record_uses`], which prevents deadlocks.
pub(crate) async fn revoke_all(
    connection: &mut Connection,
    owner: &UserId,
    at: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    let revoked = sqlx::query!(
        "WITH own AS (
             SELECT id FROM api_keys WHERE user_id = $1 AND (revoked_at IS NULL OR revoked_at > $2)
             ORDER BY id FOR NO KEY UPDATE
         )
         UPDATE api_keys SET revoked_at = $2 FROM own
         WHERE api_keys.id = own.id AND (api_keys.revoked_at IS NULL OR api_keys.revoked_at > $2)
         RETURNING api_keys.id, api_keys.created_at",
        owner.as_str(),
        at.as_millis(),
    );
    let rows = revoked.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.created_at, row.id)).collect())
}

/// Inserts the subscriptions of a reading. Takes them over from other customers.
pub(crate) async fn insert_subscriptions(
    connection: &mut Connection,
    update: &MirrorUpdate,
    rows: &[NewSubscriptionRow],
) -> Result<(), StoreError> {
    let (provider, mode) = (update.account.provider().as_str(), update.account.mode().as_str());
    sqlx::query!(
        "INSERT INTO subscription_mirror (provider, mode, subscription_id, customer_id, status, prices, cycle, created_at,
                                          period_start, period_end, cancel_at_period_end, cancel_at)
         SELECT $1, $2, subscription_id, $3, status, prices, cycle, created_at, period_start, period_end,
                cancel_at_period_end, cancel_at
         FROM UNNEST($4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::bigint[],
                     $11::bigint[], $12::bigint[])
              AS new (subscription_id, status, prices, cycle, created_at, period_start, period_end,
                      cancel_at_period_end, cancel_at)
         ON CONFLICT (provider, mode, subscription_id)
             DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status, prices = excluded.prices,
                           cycle = excluded.cycle, created_at = excluded.created_at,
                           period_start = excluded.period_start, period_end = excluded.period_end,
                           cancel_at_period_end = excluded.cancel_at_period_end, cancel_at = excluded.cancel_at",
        provider,
        mode,
        update.customer.as_str(),
        rows.iter().map(|row| &row.subscription_id).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.status).collect::<Vec<_>>() as _,
        rows.iter().map(|row| &row.prices).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.cycle).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.created_at).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.period_start).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.period_end).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.cancel_at_period_end).collect::<Vec<_>>() as _,
        rows.iter().map(|row| row.cancel_at).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
