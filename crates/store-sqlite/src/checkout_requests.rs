//! [`SqliteCheckoutRequests`].

use async_trait::async_trait;
use billing_domain::ports::{CheckoutRequest, CheckoutRequests, RememberedCheckout, RepoError};
use billing_domain::{CheckoutSessionId, CustomerId, Timestamp};

use crate::checkout_rows::RequestRow;
use crate::connections::{Connections, bounded};
use crate::pruning::{BATCH, in_batches};

/// Checkout requests in the table `checkout_requests`.
#[derive(Clone, Debug)]
pub struct SqliteCheckoutRequests {
    connections: Connections,
}

impl SqliteCheckoutRequests {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections }
    }

    /// Deletes some requests that are older; gives how many.
    async fn prune_some(&self, before: Timestamp) -> Result<u64, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let deleted = sqlx::query!(
                "DELETE FROM checkout_requests WHERE (user_id, provider, mode, idempotency_key) IN (
                     SELECT user_id, provider, mode, idempotency_key FROM checkout_requests
                     WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
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
impl CheckoutRequests for SqliteCheckoutRequests {
    /// One statement. The update changes nothing: a row that is there is given only if it is written.
    async fn begin(
        &self,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<RememberedCheckout, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let row = sqlx::query_as!(
                RequestRow,
                "INSERT INTO checkout_requests (user_id, provider, mode, idempotency_key, content, provider_key,
                                                created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (user_id, provider, mode, idempotency_key)
                     DO UPDATE SET content = checkout_requests.content
                 RETURNING content, provider_key, customer_id AS \"customer_id?\", session_id AS \"session_id?\"",
                request.owner.as_str(),
                request.at.provider().as_str(),
                request.at.mode().as_str(),
                request.key.as_str(),
                request.content,
                request.provider_key.as_str(),
                now.as_millis(),
            )
            .fetch_one(&mut *connection)
            .await?;
            connection.done();
            Ok(row.parse()?)
        })
        .await
    }

    async fn complete(
        &self,
        request: &CheckoutRequest,
        customer: &CustomerId,
        session: &CheckoutSessionId,
    ) -> Result<(), RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            sqlx::query!(
                "UPDATE checkout_requests SET customer_id = ?5, session_id = ?6
                 WHERE user_id = ?1 AND provider = ?2 AND mode = ?3 AND idempotency_key = ?4",
                request.owner.as_str(),
                request.at.provider().as_str(),
                request.at.mode().as_str(),
                request.key.as_str(),
                customer.as_str(),
                session.as_str(),
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(())
        })
        .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        in_batches(|| self.prune_some(before)).await
    }
}
