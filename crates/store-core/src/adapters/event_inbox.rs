//! [`SqlEventInbox`]: the event inbox.

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
use store_core::inbox_rows::{EventRow, NewEventRow, error_text, parse_claimed, state_of};
use store_core::pruning::prune_in_batches;

use crate::engine::{Connection, Connections};
use crate::statements;

/// Events in the table `webhook_events`. Clones share commits.
#[derive(Clone, Debug)]
pub(crate) struct SqlEventInbox {
    connections: Connections,
    accepted: GroupCommit<NewEventRow>,
}

impl SqlEventInbox {
    /// Creates the port and the task that writes accepted events.
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
        account: &ProviderAccount,
        event: &ProviderEvent,
        now: Timestamp,
    ) -> Result<(), RepoError> {
        bounded(self.accepted.add(NewEventRow::new(account, event, now))).await
    }

    async fn claim(
        &self,
        account: &ProviderAccount,
        token: &ClaimToken,
        limit: u32,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        self.connections
            .call(async |connection| {
                let rows = statements::claim(connection, account, token, limit, now, until).await?;
                let (events, corrupt) = parse_claimed(rows);
                for (id, error) in &corrupt {
                    dead_letter(connection, account, id, error, now).await?;
                }
                corrupt.into_iter().next().map_or(Ok(events), |(_, error)| Err(error.into()))
            })
            .await
    }

    async fn release(
        &self,
        account: &ProviderAccount,
        claimed: &ClaimedEvents,
        disposition: &Disposition,
    ) -> Result<u64, RepoError> {
        let (state, error) = state_of(disposition);
        self.connections
            .batch(async |connection| {
                statements::end_claim(connection, account, claimed, state, error).await
            })
            .await
    }

    /// Keeps the last token: its worker may still process the events and must not claim them again.
    async fn replay(
        &self,
        account: &ProviderAccount,
        scope: &ReplayScope,
        now: Timestamp,
    ) -> Result<u64, RepoError> {
        self.connections.call(async |connection| {
            let statement = match scope {
                ReplayScope::Event(id) => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = $4, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = $1 AND mode = $2 AND event_id = $3",
                        account.provider().as_str(),
                        account.mode().as_str(),
                        id.as_str(),
                        now.as_millis(),
                    )
                }
                ReplayScope::AllDead => {
                    sqlx::query!(
                        "UPDATE webhook_events
                         SET state = 'pending', state_at = $3, attempts = 0, error = NULL, claimed_until = NULL
                         WHERE provider = $1 AND mode = $2 AND state = 'dead'",
                        account.provider().as_str(),
                        account.mode().as_str(),
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
        account: &ProviderAccount,
        query: &InboxQuery,
    ) -> Result<Vec<InboxEvent>, RepoError> {
        self.connections.call(async |connection| {
            let rows = match query.state {
                Some(status) => {
                    sqlx::query_as!(
                        EventRow,
                        "SELECT event_id, kind, subject_kind, subject_id, created_at, received_at, state, state_at, attempts,
                                error
                         FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = $3
                         ORDER BY received_at DESC, event_id LIMIT $4",
                        account.provider().as_str(),
                        account.mode().as_str(),
                        status.as_str(),
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
                        account.provider().as_str(),
                        account.mode().as_str(),
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

    async fn counts(&self, account: &ProviderAccount) -> Result<InboxCounts, RepoError> {
        self.connections.call(async |connection| {
            let counts = sqlx::query!(
                "SELECT (SELECT count(*) FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = 'pending')
                            AS \"pending!: i64\",
                        (SELECT count(*) FROM webhook_events WHERE provider = $1 AND mode = $2 AND state = 'dead')
                            AS \"dead!: i64\",
                        (SELECT min(received_at) FROM webhook_events
                         WHERE provider = $1 AND mode = $2 AND state = 'pending') AS \"oldest_pending?: i64\"",
                account.provider().as_str(),
                account.mode().as_str(),
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

    async fn has_pending(
        &self,
        account: &ProviderAccount,
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
                account.provider().as_str(),
                account.mode().as_str(),
                customer.as_str(),
            )
            .fetch_one(&mut *connection)
            .await?;
            Ok(pending)
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        prune_in_batches(&self.connections, before, statements::prune_events).await
    }
}

/// Dead-letters an event with an invalid row. Otherwise it would fail every claim.
async fn dead_letter(
    connection: &mut Connection,
    account: &ProviderAccount,
    id: &str,
    error: &RepoError,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE webhook_events SET state = 'dead', state_at = $4, error = $5, claimed_until = NULL
         WHERE provider = $1 AND mode = $2 AND event_id = $3",
        account.provider().as_str(),
        account.mode().as_str(),
        id,
        now.as_millis(),
        error_text(&error.to_string()),
    )
    .execute(connection)
    .await?;
    Ok(())
}
