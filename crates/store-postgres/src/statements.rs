//! The statements that SQLite needs in another form. `store-sqlite` has the same functions.

use billing_domain::{
    ApiKeyId, ClaimToken, Claimed, EventId, InboxState, ProviderAccount, Timestamp,
};
use sqlx::migrate::Migrate;
use store_core::error::{StoreError, migrate_error};
use store_core::inbox_rows::{EventRow, NewEventRow};
use store_core::migrations::apply_missing;
use store_core::pruning::BATCH;

use crate::engine::{Connection, Engine, MIGRATIONS};

/// Applies the missing migrations, each in one transaction, under a lock that ends with the connection.
pub(crate) async fn migrate(connection: &mut Connection) -> Result<usize, StoreError> {
    connection.lock().await.map_err(|error| migrate_error::<Engine>(&error))?;
    apply_missing::<Engine>(connection, &MIGRATIONS).await
}

/// Records the last use of keys. Locks rows by id, so that two replicas that record the same keys never deadlock.
pub(crate) async fn record_uses(
    connection: &mut Connection,
    uses: &[(ApiKeyId, Timestamp)],
) -> Result<(), StoreError> {
    let (ids, moments): (Vec<&str>, Vec<i64>) =
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
        &moments,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Inserts the events that the inbox does not have yet. In order, so that two replicas that were sent the same events never
/// deadlock.
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

/// Claims due events in one statement. It skips events that another claimer has just locked, and sees that those it locked
/// before are no longer due. An array, because a join of a table that has just grown is planned as if it were empty.
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
         WHERE provider = $1 AND mode = $2 AND event_id = ANY (ARRAY(
             SELECT event_id FROM webhook_events
             WHERE provider = $1 AND mode = $2 AND state = 'pending' AND state_at <= $4
               AND (claimed_until IS NULL OR claimed_until <= $4) AND claim_token IS DISTINCT FROM $3
             ORDER BY state_at, event_id LIMIT $6 FOR NO KEY UPDATE SKIP LOCKED))
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
    let ended = sqlx::query!(
        "UPDATE webhook_events SET state = $5, state_at = $6, error = $7, claimed_until = NULL
         WHERE provider = $1 AND mode = $2 AND event_id = ANY($3::text[])
           AND state = 'pending' AND claim_token = $4 AND claimed_until IS NOT NULL",
        at.provider().as_str(),
        at.mode().as_str(),
        claimed.events.iter().map(EventId::as_str).collect::<Vec<_>>() as _,
        claimed.token.0,
        word.as_str(),
        moment.as_millis(),
        error,
    )
    .execute(connection)
    .await?;
    Ok(ended.rows_affected())
}

/// Deletes some processed events that are older, and returns their number.
pub(crate) async fn prune_events(
    connection: &mut Connection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM webhook_events WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM webhook_events WHERE state IN ('applied', 'ignored') AND state_at < $1
             ORDER BY state_at LIMIT $2))",
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
        "DELETE FROM checkout_requests WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM checkout_requests WHERE created_at < $1 ORDER BY created_at LIMIT $2))",
        before.as_millis(),
        BATCH,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}
