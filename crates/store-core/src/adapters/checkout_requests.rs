//! [`SqlCheckoutRequests`]: the store of checkout requests.

use async_trait::async_trait;
use billing_domain::ports::{CheckoutRequest, CheckoutRequests, RepoError, StoredCheckoutRequest};
use billing_domain::{CheckoutSessionId, CustomerId, Timestamp};
use store_core::checkout_rows::RequestRow;
use store_core::pruning::prune_in_batches;

use crate::engine::Connections;
use crate::statements;

/// Checkout requests in the table `checkout_requests`.
#[derive(Clone, Debug)]
pub(crate) struct SqlCheckoutRequests(pub(crate) Connections);

#[async_trait]
impl CheckoutRequests for SqlCheckoutRequests {
    /// The update changes no value: `RETURNING` only returns written rows.
    async fn begin(
        &self,
        request: &CheckoutRequest,
        now: Timestamp,
    ) -> Result<StoredCheckoutRequest, RepoError> {
        self.0.call(async |connection| {
            let row = sqlx::query_as!(
                RequestRow,
                "INSERT INTO checkout_requests (user_id, provider, mode, idempotency_key, content, provider_key,
                                                created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (user_id, provider, mode, idempotency_key)
                     DO UPDATE SET content = checkout_requests.content
                 RETURNING content, provider_key, customer_id AS \"customer_id?\", session_id AS \"session_id?\"",
                request.owner.as_str(),
                request.account.provider().as_str(),
                request.account.mode().as_str(),
                request.key.as_str(),
                request.content,
                request.provider_key.as_str(),
                now.as_millis(),
            )
            .fetch_one(&mut *connection)
            .await?;
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
        self.0
            .call(async |connection| {
                sqlx::query!(
                    "UPDATE checkout_requests SET customer_id = $5, session_id = $6
                 WHERE user_id = $1 AND provider = $2 AND mode = $3 AND idempotency_key = $4",
                    request.owner.as_str(),
                    request.account.provider().as_str(),
                    request.account.mode().as_str(),
                    request.key.as_str(),
                    customer.as_str(),
                    session.as_str(),
                )
                .execute(&mut *connection)
                .await?;
                Ok(())
            })
            .await
    }

    async fn prune(&self, before: Timestamp) -> Result<u64, RepoError> {
        prune_in_batches(&self.0, before, statements::prune_checkout_requests).await
    }
}
