//! [`SqlEventInbox`].

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{BackgroundTask, Disposition, EventInbox, RepoError};
use billing_domain::{
    ClaimToken, ClaimedEvents, CustomerId, InboxCounts, InboxEvent, InboxQuery, ProviderAccount,
    ProviderEvent, ReplayScope, Timestamp,
};
use store_core::connections::bounded;
use store_core::error::StoreError;
use store_core::group_commit::GroupCommit;
use store_core::inbox_rows::{EventRow, NewEventRow, error_text, handed_out, state_of};
use store_core::pruning::in_batches;

use crate::engine::{Connection, Connections};
use crate::statements;

/// Events in the table `webhook_events`. Clones share their commits.
#[derive(Clone, Debug)]
pub(crate) struct SqlEventInbox {
    connections: Connections,
    accepted: GroupCommit<NewEventRow>,
}

impl SqlEventInbox {
    /// The port, and the task that writes accepted events.
    pub(crate) fn new(connections: Connections) -> (Self, BackgroundTask) {
        let writing = connections.clone();
        let (accepted, task) = GroupCommit::new("inbox writer", move |rows: Arc<[NewEventRow]>| {
            let connections = writing.clone();
            async move {
                connections
                    .batch(async |connection| statements::insert_events(connection, &rows).await)
                    .await
            }
        });
        (Self { connections, accepted }, task)
    }
}

#[async_trait]
impl EventInbox for SqlEventInbox {
    async fn accept(
        &self,
        at: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError> {
        bounded(self.accepted.add(NewEventRow::new(at, event, now))).await
    }

    async fn claim(
        &self,
        at: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        self.connections
            .call(async |connection| {
                let rows = statements::claim(connection, at, token, limit, now, until).await?;
                let (events, corrupt) = handed_out(rows);
                for (id, error) in &corrupt {
                    set_aside(connection, at, id, error, now).await?;
                }
                corrupt.into_iter().next().map_or(Ok(events), |(_, error)| Err(error.into()))
            })
            .await
    }

    async fn release(
        &self,
        at: &ProviderAccount,
        claimed: &ClaimedEvents,
        disposition: &Disposition,
    ) -> Result<u64, RepoError> {
        let (state, error) = state_of(disposition);
        self.connections
            .batch(async |connection| {
                statements::end_claim(connection, at, claimed, state, error).await
            })
            .await
    }

    /// The last token stays: its owner still works on the events, and must not be given them again.
    async fn replay(
        &self,
        at: &ProviderAccount,
        which: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError> {
        self.connections.call(async |connection| {
            let statement = match which {
                ReplayScope::Event(id) => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = $4, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = $1 AND mode = $2 AND event_id = $3",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        id.as_str(),
                        now.as_millis(),
                    )
                }
                ReplayScope::AllDead => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = $3, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = $1 AND mode = $2 AND state = 'dead'",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        now.as_millis(),
                    )
                }
            };
            Ok(statement.execute(connection).await?.rows_affected())
        })
        .await
    }

    async fn list(
        &self,
        at: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        self.connections.call(async |connection| {
            let rows = match query.state {
                Some(word) => {
                    sqlx::query_as!(
                        EventRow,
                        "SELECT event_id, kind, subject_kind, subject_id, created_at, received_at, state, state_at, attempts,
                                error
                         FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = $3
                         ORDER BY received_at DESC, event_id LIMIT $4",
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
                         FROM webhook_events WHERE provider = $1 AND mode = $2
                         ORDER BY received_at DESC, event_id LIMIT $3",
                        at.provider().as_str(),
                        at.mode().as_str(),
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            Ok(rows.into_iter().map(EventRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn counts(&self, at: &ProviderAccount) -> Result<InboxCounts, RepoError> {
        self.connections.call(async |connection| {
            let counts = sqlx::query!(
                "SELECT (SELECT count(*) FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = 'pending')
                            AS \"pending!: i64\",
                        (SELECT count(*) FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = 'dead')
                            AS \"dead!: i64\",
                        (SELECT min(received_at) FROM webhook_events
                         WHERE provider = $1 AND mode = $2 AND state = 'pending') AS \"oldest_pending?: i64\"",
                at.provider().as_str(),
                at.mode().as_str(),
            )
            .fetch_one(&mut *connection)
            .await?;
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
        self.connections.call(async |connection| {
            let pending = sqlx::query_scalar!(
                "SELECT EXISTS (SELECT 1 FROM webhook_events
                                WHERE provider = $1 AND mode = $2 AND subject_id = $3 AND state = 'pending'
                                  AND subject_kind = 'customer')
                     OR EXISTS (SELECT 1 FROM webhook_events AS event
                                JOIN subscription_mirror AS own
                                  ON own.provider = event.provider AND own.mode = event.mode
                                 AND own.subscription_id = event.subject_id
                                WHERE own.provider = $1 AND own.mode = $2 AND own.customer_id = $3
                                  AND event.state = 'pending' AND event.subject_kind = 'subscription') AS \"pending!: bool\"",
                at.provider().as_str(),
                at.mode().as_str(),
                customer.as_str(),
            )
            .fetch_one(&mut *connection)
            .await?;
            Ok(pending)
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        in_batches(&self.connections, before, statements::prune_events).await
    }
}

/// An event whose row does not parse waits for an operator: due first it would block all others.
async fn set_aside(
    connection: &mut Connection,
    at: &ProviderAccount,
    id: &str,
    error: &RepoError,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE webhook_events SET state = 'dead', state_at = $4, error = $5, claimed_until = NULL
         WHERE provider = $1 AND mode = $2 AND event_id = $3",
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
