//! [`SqliteAuditLog`].

use std::sync::Arc;

use async_trait::async_trait;
use billing_domain::ports::{AuditLog, BackgroundTask, RepoError};
use billing_domain::{AuditEvent, AuditQuery, AuditRecord, Denials, Timestamp, UserId};
use sqlx::{Connection, SqliteConnection};

use crate::audit_rows::{AuditRow, FORGOTTEN};
use crate::connections::{Connections, bounded};
use crate::error::StoreError;
use crate::forgetting::delete_account;
use crate::group_commit::GroupCommit;
use crate::pruning::{BATCH, in_batches};

/// Rows in the table `audit_log`. Clones share their commits.
#[derive(Clone, Debug)]
pub(crate) struct SqliteAuditLog {
    connections: Connections,
    events: GroupCommit<AuditRow>,
}

impl SqliteAuditLog {
    /// The port, and the task that writes events.
    pub(crate) fn new(connections: Connections) -> (Self, BackgroundTask) {
        let writing = connections.clone();
        let (events, task) = GroupCommit::new("audit writer", move |rows: Arc<[AuditRow]>| {
            let connections = writing.clone();
            async move { write(&connections, &rows).await }
        });
        (Self { connections, events }, task)
    }

    /// Takes some addresses out of the log that a user's keys were tried from: they may be the user's. Gives how many. The keys'
    /// ids stay; they name a key, and with that gone, nobody.
    async fn forget_denials(&self, user: &UserId) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rewritten = denials_without_source(&mut connection, user).await?;
            connection.done();
            Ok(rewritten)
        })
        .await
    }

    /// Deletes what is the user's; and, because only the keys tell which they are, the addresses that came meanwhile.
    async fn forget_account(&self, user: &UserId) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let denials = denials_without_source(&mut transaction, user).await?;
            let deleted = delete_account(&mut transaction, user).await?;
            transaction.commit().await?;
            connection.done();
            Ok(denials + deleted)
        })
        .await
    }

    /// Takes a user's name out of some events; gives how many.
    async fn forget_events(&self, user: &UserId) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rewritten = sqlx::query!(
                "UPDATE audit_log
                 SET user_id = ?2, customer_id = CASE WHEN customer_id IS NULL THEN NULL ELSE ?2 END,
                     request_id = NULL, source = NULL
                 WHERE sequence IN (SELECT sequence FROM audit_log WHERE user_id = ?1 ORDER BY sequence LIMIT ?3)",
                user.as_str(),
                FORGOTTEN,
                BATCH,
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(rewritten.rows_affected())
        })
        .await
    }
}

#[async_trait]
impl AuditLog for SqliteAuditLog {
    async fn append(&self, event: &AuditEvent) -> Result<(), RepoError> {
        bounded(async { Ok(self.events.add(event.into()).await?) }).await
    }

    async fn append_denials(&self, denials: &[Denials]) -> Result<(), RepoError> {
        let rows: Vec<AuditRow> = denials.iter().map(AuditRow::from).collect();
        write(&self.connections, &rows).await
    }

    async fn read(&self, query: &AuditQuery) -> Result<Vec<AuditRecord>, RepoError> {
        let since = query.since.map_or(i64::MIN, Timestamp::as_millis);
        let after = query.after.unwrap_or(i64::MIN);
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let rows = match &query.owner {
                Some(owner) => {
                    sqlx::query_as!(
                        AuditRow,
                        "SELECT sequence, at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id,
                                source, cause, count
                         FROM audit_log WHERE sequence > ?1 AND at >= ?2 AND user_id = ?3
                         ORDER BY sequence LIMIT ?4",
                        after,
                        since,
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
                         FROM audit_log WHERE sequence > ?1 AND at >= ?2
                         ORDER BY sequence LIMIT ?3",
                        after,
                        since,
                        i64::from(query.limit),
                    )
                    .fetch_all(&mut *connection)
                    .await?
                }
            };
            connection.done();
            Ok(rows.into_iter().map(AuditRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        in_batches(&self.connections, before, prune_some).await
    }

    /// First what only the keys can tell; then what the person can act through, so that nothing is added meanwhile; then the
    /// rest of the log. Some rows at a time: what fails in between is made good by calling this again.
    async fn forget(&self, user: &UserId) -> Result<u64, RepoError> {
        let mut all = 0;
        loop {
            let some = self.forget_denials(user).await?;
            all += some;
            if some < BATCH.unsigned_abs() {
                break;
            }
        }
        all += self.forget_account(user).await?;
        // A user of this name cannot be told from those who were forgotten before, and rewriting would have no end.
        while user.as_str() != FORGOTTEN {
            let some = self.forget_events(user).await?;
            all += some;
            if some < BATCH.unsigned_abs() {
                break;
            }
        }
        Ok(all)
    }
}

/// Deletes some records that are older, and returns their number.
async fn prune_some(
    connection: &mut SqliteConnection,
    before: Timestamp,
) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
                "DELETE FROM audit_log
                 WHERE sequence IN (SELECT sequence FROM audit_log WHERE at < ?1 ORDER BY at LIMIT ?2)",
                before.as_millis(),
                BATCH,
            );
    Ok(deleted.execute(connection).await?.rows_affected())
}

async fn denials_without_source(
    connection: &mut SqliteConnection,
    user: &UserId,
) -> Result<u64, StoreError> {
    let rewritten = sqlx::query!(
        "UPDATE audit_log SET source = NULL
         WHERE sequence IN (SELECT sequence FROM audit_log
                            WHERE kind = 'denials' AND source IS NOT NULL
                              AND key_id IN (SELECT id FROM api_keys WHERE user_id = ?1)
                            LIMIT ?2)",
        user.as_str(),
        BATCH,
    )
    .execute(connection)
    .await?;
    Ok(rewritten.rows_affected())
}

/// All of them or none, in one transaction that holds the right to write from its beginning.
async fn write(connections: &Connections, rows: &[AuditRow]) -> Result<(), RepoError> {
    bounded(async {
        let mut connection = connections.lease().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        add(&mut transaction, rows).await?;
        transaction.commit().await?;
        connection.done();
        Ok(())
    })
    .await
}

/// Part of the caller's transaction.
pub(crate) async fn add(
    connection: &mut SqliteConnection,
    rows: &[AuditRow],
) -> Result<(), StoreError> {
    for row in rows {
        sqlx::query!(
            "INSERT INTO audit_log (at, kind, action, actor, user_id, key_id, provider, mode, customer_id, request_id,
                                    source, cause, count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
