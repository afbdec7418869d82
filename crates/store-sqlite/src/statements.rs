//! Statements with different SQL on Postgres. `store-postgres` has the same functions.

use billing_domain::{
    ApiKeyId, ClaimToken, ClaimedEvents, InboxState, MirrorUpdate, ProviderAccount, Timestamp,
    UserId,
};
use sqlx::Connection as _;
use store_core::audit_rows::AuditRow;
use store_core::error::StoreError;
use store_core::inbox_rows::{EventRow, NewEventRow};
use store_core::migrations::apply_missing;
use store_core::mirror_rows::NewSubscriptionRow;
use store_core::pruning::BATCH_SIZE;

use crate::engine::{Connection, Engine, MIGRATIONS};

/// Applies the missing migrations in one write transaction, which other processes wait for.
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

/// Inserts new events.
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

/// Claims due events in one statement. SQLite runs one writer at a time.
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
         WHERE provider = $1 AND mode = $2 AND event_id IN (
             SELECT event_id FROM webhook_events
             WHERE provider = $1 AND mode = $2 AND state = 'pending' AND state_at <= $4
               AND (claimed_until IS NULL OR claimed_until <= $4) AND claim_token IS NOT $3
             ORDER BY state_at, event_id LIMIT $6)
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
    let mut ended = 0;
    for event in &claimed.events {
        let one = sqlx::query!(
            "UPDATE webhook_events SET state = $5, state_at = $6, error = $7, claimed_until = NULL
             WHERE provider = $1 AND mode = $2 AND event_id = $3
               AND state = 'pending' AND claim_token = $4 AND claimed_until IS NOT NULL",
            account.provider().as_str(),
            account.mode().as_str(),
            event.as_str(),
            claimed.token.0,
            status.as_str(),
            at.as_millis(),
            error,
        )
        .execute(&mut *connection)
        .await?;
        ended += one.rows_affected();
    }
    Ok(ended)
}

/// Deletes a batch of processed events older than `before`. Returns their number.
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
        "DELETE FROM checkout_requests WHERE (user_id, provider, mode, idempotency_key) IN (
             SELECT user_id, provider, mode, idempotency_key FROM checkout_requests
             WHERE created_at < $1 ORDER BY created_at LIMIT $2)",
        before.as_millis(),
        BATCH_SIZE,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Inserts records in the given order.
pub(crate) async fn insert_audit_rows(
    connection: &mut Connection,
    rows: &[AuditRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query!(
            "INSERT INTO audit_log (at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id,
                                    source, cause, count)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            row.at,
            row.kind,
            row.action,
            row.actor,
            row.user_id,
            row.key_id,
            row.provider,
            row.mode,
            row.customer_id,
            row.request_id,
            row.source,
            row.cause,
            row.count,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Returns the maximum: with one writer at a time, numbers are committed in their order.
pub(crate) async fn log_end(_: &mut Connection) -> Result<i64, StoreError> {
    Ok(i64::MAX)
}

/// Does nothing: a write transaction locks the whole database.
pub(crate) async fn lock_owner(_: &mut Connection, _: &UserId) -> Result<(), StoreError> {
    Ok(())
}

/// Does nothing: a write transaction locks the whole database.
pub(crate) async fn lock_keys(_: &mut Connection, _: &UserId) -> Result<(), StoreError> {
    Ok(())
}

/// Returns the expiry and revocation times of a key.
pub(crate) async fn lock_key(
    connection: &mut Connection,
    id: &ApiKeyId,
) -> Result<Option<(Option<i64>, Option<i64>)>, StoreError> {
    let key =
        sqlx::query!("SELECT expires_at, revoked_at FROM api_keys WHERE id = $1", id.as_str());
    let found = key.fetch_optional(connection).await?;
    Ok(found.map(|key| (key.expires_at, key.revoked_at)))
}

/// Revokes all keys of an owner. Returns their creation times and ids.
pub(crate) async fn revoke_all(
    connection: &mut Connection,
    owner: &UserId,
    at: Timestamp,
) -> Result<Vec<(i64, String)>, StoreError> {
    let revoked = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $2
         WHERE user_id = $1 AND (revoked_at IS NULL OR revoked_at > $2) RETURNING id, created_at",
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
    for row in rows {
        sqlx::query!(
            "INSERT INTO subscription_mirror (provider, mode, subscription_id, customer_id, status, prices, cycle,
                                              created_at, period_start, period_end, cancel_at_period_end, cancel_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (provider, mode, subscription_id)
                 DO UPDATE SET customer_id = excluded.customer_id, status = excluded.status, prices = excluded.prices,
                               cycle = excluded.cycle, created_at = excluded.created_at,
                               period_start = excluded.period_start, period_end = excluded.period_end,
                               cancel_at_period_end = excluded.cancel_at_period_end, cancel_at = excluded.cancel_at",
            provider,
            mode,
            row.subscription_id,
            update.customer.as_str(),
            row.status,
            row.prices,
            row.cycle,
            row.created_at,
            row.period_start,
            row.period_end,
            row.cancel_at_period_end,
            row.cancel_at,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
