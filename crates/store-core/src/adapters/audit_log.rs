//! [`SqlAuditLog`]: the audit log.

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{AuditLog, BackgroundTask, RepoError};
use billing_domain::{AuditEvent, AuditQuery, AuditRecord, Denials, Timestamp, UserId};
use store_core::audit_rows::{AuditRow, FORGOTTEN};
use store_core::connections::bounded;
use store_core::error::StoreError;
use store_core::group_commit::GroupCommit;
use store_core::pruning::{BATCH_SIZE, prune_in_batches, rewrite_all};

use super::forgetting::delete_account;
use crate::engine::{Connection, Connections};
use crate::statements;

/// The audit log in the table `audit_log`. Clones share commits.
#[derive(Clone, Debug)]
pub(crate) struct SqlAuditLog {
    connections: Connections,
    events: GroupCommit<AuditRow>,
}

impl SqlAuditLog {
    /// Creates the port and the task that writes events.
    pub(crate) fn new(connections: Connections) -> (Self, BackgroundTask) {
        let writing = connections.clone();
        let (events, task) = GroupCommit::new("audit writer", move |rows: Arc<[AuditRow]>| {
            let connections = writing.clone();
            async move { write(&connections, &rows).await }
        });
        (Self { connections, events }, task)
    }
}

#[async_trait]
impl AuditLog for SqlAuditLog {
    async fn append(&self, event: &AuditEvent) -> Result<(), RepoError> {
        bounded(self.events.add(event.into())).await
    }

    async fn append_denials(&self, denials: &[Denials]) -> Result<(), RepoError> {
        let rows: Vec<AuditRow> = denials.iter().map(AuditRow::from).collect();
        write(&self.connections, &rows).await
    }

    async fn read(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, RepoError> {
        let since = query.since.map_or(i64::MIN, Timestamp::as_millis);
        let after = query.after.unwrap_or(i64::MIN);
        self.connections.call(async |connection| {
            let end = statements::log_end(connection).await?;
            let rows = match &query.owner {
                Some(owner) => {
                    sqlx::query_as!(
                        AuditRow,
                        "SELECT sequence, at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id,
                                source, cause, count
                         FROM audit_log WHERE sequence > $1 AND at >= $2 AND sequence <= $3 AND user_id = $4
                         ORDER BY sequence LIMIT $5",
                        after,
                        since,
                        end,
                        owner.as_str(),
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
                None => {
                    sqlx::query_as!(
                        AuditRow,
                        "SELECT sequence, at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id,
                                source, cause, count
                         FROM audit_log WHERE sequence > $1 AND at >= $2 AND sequence <= $3
                         ORDER BY sequence LIMIT $4",
                        after,
                        since,
                        end,
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            Ok(rows.into_iter().map(AuditRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        prune_in_batches(&self.connections, before, prune_some).await
    }

    /// Erases denials first, because only the user's keys identify them; then the account, so that
    /// the user can add no events; then the events. The caller repeats a failed call.
    async fn forget(&self, user: &UserId) -> Result<u64, RepoError> {
        let denials = rewrite_all(&self.connections, user, forget_denials).await?;
        let account = self
            .connections
            .write(async |transaction| {
                statements::lock_keys(transaction, user).await?;
                // Erases denials added meanwhile, before their keys are deleted.
                let denials = forget_denials(transaction, user).await?;
                Ok(denials + delete_account(transaction, user).await?)
            })
            .await?;
        // For a user with this id, rewriting would never end: the rows would match again.
        if user.as_str() == FORGOTTEN {
            return Ok(denials + account);
        }
        let events = rewrite_all(&self.connections, user, forget_events).await?;
        Ok(denials + account + events)
    }
}

async fn write(connections: &Connections, rows: &[AuditRow]) -> Result<(), RepoError> {
    connections
        .batch(async |connection| statements::insert_audit_rows(connection, rows).await)
        .await
}

/// Deletes a batch of records older than `before`. Returns their number.
async fn prune_some(connection: &mut Connection, before: Timestamp) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM audit_log
         WHERE sequence IN (SELECT sequence FROM audit_log WHERE at < $1 ORDER BY at LIMIT $2)",
        before.as_millis(),
        BATCH_SIZE,
    );
    Ok(deleted.execute(connection).await?.rows_affected())
}

/// Removes a batch of addresses from denials of a user's keys, because they may identify the user.
/// The key ids remain: without the keys they identify no user. Returns the number of rows.
async fn forget_denials(connection: &mut Connection, user: &UserId) -> Result<u64, StoreError> {
    let rewritten = sqlx::query!(
        "UPDATE audit_log SET source = NULL
         WHERE sequence IN (SELECT sequence FROM audit_log
                            WHERE kind = 'denials' AND source IS NOT NULL
                              AND key_id IN (SELECT id FROM api_keys WHERE user_id = $1)
                            LIMIT $2)",
        user.as_str(),
        BATCH_SIZE,
    )
    .execute(connection)
    .await?;
    Ok(rewritten.rows_affected())
}

/// Removes a user's data from a batch of events. Returns their number.
async fn forget_events(connection: &mut Connection, user: &UserId) -> Result<u64, StoreError> {
    let rewritten = sqlx::query!(
        "UPDATE audit_log
         SET user_id = $2, customer_id = CASE WHEN customer_id IS NULL THEN NULL ELSE $2 END,
             request_id = NULL, source = NULL
         WHERE sequence IN (SELECT sequence FROM audit_log WHERE user_id = $1 ORDER BY sequence LIMIT $3)",
        user.as_str(),
        FORGOTTEN,
        BATCH_SIZE,
    );
    Ok(rewritten.execute(connection).await?.rows_affected())
}
