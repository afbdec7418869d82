//! The statements that Postgres needs in another form. `store-postgres` has the same functions.

use billing_domain::{ApiKeyId, ClaimToken, Claimed, InboxState, ProviderAccount, Timestamp};
use sqlx::Connection as _;
use store_core::error::StoreError;
use store_core::inbox_rows::{EventRow, NewEventRow};
use store_core::migrations::apply_missing;
use store_core::pruning::BATCH;

use crate::engine::{Connection, Engine, MIGRATIONS};

/// Applies the missing migrations in one transaction, which has the right to write from its beginning: one process migrates,
/// and the others then find it done. A failure leaves nothing behind.
pub(crate) async fn migrate(connection: &mut Connection) -> Result<usize, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let applied = apply_missing::<Engine>(&mut *transaction, &MIGRATIONS).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// Records the last use of keys.
pub(crate) async fn record_uses(
    connection: &mut Connection,
    uses: &[(ApiKeyId, Timestamp)],
) -> Result<(), StoreError> {
    for (id, at) in uses {
        sqlx::query!(
            "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
            id.as_str(),
            at.as_millis(),
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Inserts the events that the inbox does not have yet.
pub(crate) async fn insert_events(
    connection: &mut Connection,
    rows: &[NewEventRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query!(
            "INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, subject_id, created_at,
                                         received_at, state, state_at, attempts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'pending', $8, 0)
             ON CONFLICT (provider, mode, event_id) DO NOTHING",
            row.provider,
            row.mode,
            row.event_id,
            row.kind,
            row.subject_kind,
            row.subject_id,
            row.created_at,
            row.received_at,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Claims due events. One statement, and SQLite runs one writer at a time.
pub(crate) async fn claim(
    connection: &mut Connection,
    at: &ProviderAccount,
    token: &ClaimToken,
    limit: u32,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<EventRow>, StoreError> {
    let rows = sqlx::query_as!(
        EventRow,
        "UPDATE webhook_events SET claim_token = $3, claimed_until = $5, attempts = attempts + 1
         WHERE provider = $1 AND mode = $2 AND event_id IN (
             SELECT event_id FROM webhook_events
             WHERE provider = $1 AND mode = $2 AND state = 'pending' AND state_at <= $4
               AND (claimed_until IS NULL OR claimed_until <= $4) AND claim_token IS NOT $3
             ORDER BY state_at, event_id LIMIT $6)
         RETURNING event_id, kind, subject_kind, subject_id AS \"subject_id?\", created_at, received_at, state,
                   state_at, attempts, error AS \"error?\"",
        at.provider().as_str(),
        at.mode().as_str(),
        token.0,
        now.as_millis(),
        until.as_millis(),
        i64::from(limit),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// Changes the state of the events that this claim still has, and returns their number. An expired claim still has its events
/// until another one takes them.
pub(crate) async fn end_claim(
    connection: &mut Connection,
    at: &ProviderAccount,
    claimed: &Claimed,
    state: InboxState,
    error: Option<String>,
) -> Result<u64, StoreError> {
    let (word, moment) = state.parts();
    let mut ended = 0;
    for event in &claimed.events {
        let one = sqlx::query!(
            "UPDATE webhook_events SET state = $5, state_at = $6, error = $7, claimed_until = NULL
             WHERE provider = $1 AND mode = $2 AND event_id = $3
               AND state = 'pending' AND claim_token = $4 AND claimed_until IS NOT NULL",
            at.provider().as_str(),
            at.mode().as_str(),
            event.as_str(),
            claimed.token.0,
            word.as_str(),
            moment.as_millis(),
            error,
        )
        .execute(&mut *connection)
        .await?;
        ended += one.rows_affected();
    }
    Ok(ended)
}

/// Deletes some processed events that are older, and returns their number.
pub(crate) async fn prune_events(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM webhook_events WHERE (provider, mode, event_id) IN (
             SELECT provider, mode, event_id FROM webhook_events
             WHERE state IN ('applied', 'ignored') AND state_at < $1
             ORDER BY state_at LIMIT $2)",
        before.as_millis(),
        BATCH,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Deletes some requests that are older, and returns their number.
pub(crate) async fn prune_checkout_requests(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM checkout_requests WHERE (user_id, provider, mode, idempotency_key) IN (
             SELECT user_id, provider, mode, idempotency_key FROM checkout_requests
             WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        before.as_millis(),
        BATCH,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}
