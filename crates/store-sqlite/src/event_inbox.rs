//! [`SqliteEventInbox`].

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{EventInbox, Fate, RepoError};
use billing_domain::{
    ClaimToken, Claimed, CustomerId, InboxCounts, InboxEvent, InboxQuery, InboxState,
    ProviderAccount, ProviderEvent, Replay, Timestamp,
};
use sqlx::{Connection, SqliteConnection};

use crate::connections::{Connections, bounded};
use crate::error::StoreError;
use crate::group_commit::GroupCommit;
use crate::inbox_rows::{EventRow, NewEventRow, error_text, handed_out, state_of};
use crate::pruning::{BATCH, in_batches};

/// Events in the table `webhook_events`. Clones share their commits.
#[derive(Clone, Debug)]
pub struct SqliteEventInbox {
    connections: Connections,
    accepted: GroupCommit<NewEventRow>,
}

impl SqliteEventInbox {
    /// Starts the task that writes events.
    pub(crate) fn new(connections: Connections) -> Self {
        let writing = connections.clone();
        let accepted = GroupCommit::start(move |rows: Arc<[NewEventRow]>| {
            let connections = writing.clone();
            async move { write(&connections, &rows).await }
        });
        Self { connections, accepted }
    }

    /// Deletes some events that were done with before; gives how many.
    async fn prune_some(&self, before: Timestamp) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let deleted = sqlx::query!(
                "DELETE FROM webhook_events WHERE (provider, mode, event_id) IN (
                     SELECT provider, mode, event_id FROM webhook_events
                     WHERE state IN ('applied', 'ignored') AND state_at < ?1
                     ORDER BY state_at LIMIT ?2)",
                before.as_millis(),
                BATCH,
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(deleted.rows_affected())
        })
        .await
    }
}

#[async_trait]
impl EventInbox for SqliteEventInbox {
    async fn accept(
        &self,
        at: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError> {
        bounded(async { Ok(self.accepted.add(NewEventRow::new(at, event, now)).await?) }).await
    }

    /// One statement, and writers come one after the other.
    async fn claim(
        &self,
        at: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = sqlx::query_as!(
                EventRow,
                "UPDATE webhook_events SET claim_token = ?3, claimed_until = ?5, attempts = attempts + 1
                 WHERE provider = ?1 AND mode = ?2 AND event_id IN (
                     SELECT event_id FROM webhook_events
                     WHERE provider = ?1 AND mode = ?2 AND state = 'pending' AND state_at <= ?4
                       AND (claimed_until IS NULL OR claimed_until <= ?4) AND claim_token IS NOT ?3
                     ORDER BY state_at, event_id LIMIT ?6)
                 RETURNING event_id, kind, subject_kind, subject_id AS \"subject_id?\", created_at, received_at, state,
                           state_at, attempts, error AS \"error?\"",
                at.provider().as_str(),
                at.mode().as_str(),
                token.0,
                now.as_millis(),
                until.as_millis(),
                i64::from(limit),
            )
            .fetch_all(&mut *connection)
            .await?;
            let (events, corrupt) = handed_out(rows);
            for (id, error) in &corrupt {
                set_aside(&mut connection, at, id, error, now).await?;
            }
            connection.done();
            corrupt.into_iter().next().map_or(Ok(events), |(_, error)| Err(error.into()))
        })
        .await
    }

    async fn release(
        &self,
        at: &ProviderAccount,
        claimed: &Claimed,
        fate: &Fate,
    ) -> Result<u64, RepoError> {
        let (state, error) = state_of(fate);
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let ended = end_claim(&mut transaction, at, claimed, state, error).await?;
            transaction.commit().await?;
            connection.done();
            Ok(ended)
        })
        .await
    }

    /// The last token stays: whoever has it works on what was taken back, and must not be given it again.
    async fn replay(
        &self,
        at: &ProviderAccount,
        which: &Replay,
        now: Timestamp,
    ) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let replayed = match which {
                Replay::One(id) => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = ?4, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = ?1 AND mode = ?2 AND event_id = ?3",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        id.as_str(),
                        now.as_millis(),
                    )
                    .execute(&mut *connection)
                    .await?
                }
                Replay::Dead => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = ?3, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = ?1 AND mode = ?2 AND state = 'dead'",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        now.as_millis(),
                    )
                    .execute(&mut *connection)
                    .await?
                }
            };
            connection.done();
            Ok(replayed.rows_affected())
        })
        .await
    }

    async fn list(
        &self,
        at: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = match query.state {
                Some(word) => {
                    sqlx::query_as!(
                        EventRow,
                        "SELECT event_id, kind, subject_kind, subject_id, created_at, received_at, state, state_at, attempts,
                                error
                         FROM webhook_events WHERE provider = ?1 AND mode = ?2 AND state = ?3
                         ORDER BY received_at DESC, event_id LIMIT ?4",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        word.as_str(),
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
                None => {
                    sqlx::query_as!(
                        EventRow,
                        "SELECT event_id, kind, subject_kind, subject_id, created_at, received_at, state, state_at, attempts,
                                error
                         FROM webhook_events WHERE provider = ?1 AND mode = ?2
                         ORDER BY received_at DESC, event_id LIMIT ?3",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            connection.done();
            Ok(rows.into_iter().map(EventRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn counts(&self, at: &ProviderAccount) -> Result<InboxCounts, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let counts = sqlx::query!(
                "SELECT (SELECT count(*) FROM webhook_events WHERE provider = ?1 AND mode = ?2 AND state = 'pending')
                            AS \"pending!: i64\",
                        (SELECT count(*) FROM webhook_events WHERE provider = ?1 AND mode = ?2 AND state = 'dead')
                            AS \"dead!: i64\",
                        (SELECT min(received_at) FROM webhook_events
                         WHERE provider = ?1 AND mode = ?2 AND state = 'pending') AS \"oldest_pending?: i64\"",
                at.provider().as_str(),
                at.mode().as_str(),
            )
            .fetch_one(&mut *connection)
            .await?;
            connection.done();
            Ok(InboxCounts {
                pending: counts.pending.unsigned_abs(),
                dead: counts.dead.unsigned_abs(),
                oldest_pending: counts.oldest_pending.map(Timestamp::from_millis),
            })
        })
        .await
    }

    /// Also an event about a subscription that is the customer's, as far as the mirror knows.
    async fn has_pending(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<bool, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let pending = sqlx::query_scalar!(
                "SELECT EXISTS (SELECT 1 FROM webhook_events
                                WHERE provider = ?1 AND mode = ?2 AND subject_id = ?3 AND state = 'pending'
                                  AND subject_kind = 'customer')
                     OR EXISTS (SELECT 1 FROM webhook_events AS event
                                JOIN subscription_mirror AS own
                                  ON own.provider = event.provider AND own.mode = event.mode
                                 AND own.subscription_id = event.subject_id
                                WHERE own.provider = ?1 AND own.mode = ?2 AND own.customer_id = ?3
                                  AND event.state = 'pending' AND event.subject_kind = 'subscription') AS \"pending!: bool\"",
                at.provider().as_str(),
                at.mode().as_str(),
                customer.as_str(),
            )
            .fetch_one(&mut *connection)
            .await?;
            connection.done();
            Ok(pending)
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        in_batches(|| self.prune_some(before)).await
    }
}

/// Leads the events that are this claim's to another state; gives how many they are. A claim that ran out is one still, until
/// somebody else has the events.
pub(crate) async fn end_claim(
    connection: &mut SqliteConnection,
    at: &ProviderAccount,
    claimed: &Claimed,
    state: InboxState,
    error: Option<String>,
) -> Result<u64, StoreError> {
    let (word, moment) = state.parts();
    let mut ended = 0;
    for event in &claimed.events {
        let one = sqlx::query!(
            "UPDATE webhook_events SET state = ?5, state_at = ?6, error = ?7, claimed_until = NULL
             WHERE provider = ?1 AND mode = ?2 AND event_id = ?3
               AND state = 'pending' AND claim_token = ?4 AND claimed_until IS NOT NULL",
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

/// An event whose row does not parse waits for an operator: due first for ever, it would stand in the way of all others.
async fn set_aside(
    connection: &mut SqliteConnection,
    at: &ProviderAccount,
    id: &str,
    error: &RepoError,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE webhook_events SET state = 'dead', state_at = ?4, error = ?5, claimed_until = NULL
         WHERE provider = ?1 AND mode = ?2 AND event_id = ?3",
        at.provider().as_str(),
        at.mode().as_str(),
        id,
        now.as_millis(),
        error_text(&error.to_string()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All of them or none, in one transaction that holds the right to write from its beginning.
async fn write(connections: &Connections, rows: &[NewEventRow]) -> Result<(), RepoError> {
    bounded(async {
        let mut connection = connections.lease().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        for row in rows {
            sqlx::query!(
                "INSERT INTO webhook_events (provider, mode, event_id, kind, subject_kind, subject_id, created_at,
                                             received_at, state, state_at, attempts)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'pending', ?8, 0)
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
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        connection.done();
        Ok(())
    })
    .await
}
