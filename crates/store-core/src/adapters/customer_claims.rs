//! [`SqlCustomerClaims`].

use async_trait::async_trait;
use billing_domain::ports::{CustomerClaims, RepoError};
use billing_domain::{CustomerClaim, CustomerId, ProviderAccount, ProviderKey, Timestamp, UserId};
use store_core::checkout_rows::ClaimRow;

use crate::engine::Connections;

/// Claims to customers in the table `customer_claims`. Each method is one statement.
#[derive(Clone, Debug)]
pub(crate) struct SqlCustomerClaims(pub(crate) Connections);

#[async_trait]
impl CustomerClaims for SqlCustomerClaims {
    async fn find(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        self.0
            .call(async |connection| {
                let row = sqlx::query_as!(
                    ClaimRow,
                    "SELECT provider_key, customer_id, claimed_at FROM customer_claims
                 WHERE user_id = $1 AND provider = $2 AND mode = $3",
                    owner.as_str(),
                    at.provider().as_str(),
                    at.mode().as_str(),
                )
                .fetch_optional(&mut *connection)
                .await?;
                Ok(row.map(ClaimRow::parse).transpose()?)
            })
            .await
    }

    /// The update changes nothing: a row that is there is given only if it is written.
    async fn claim(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        key: &ProviderKey,
        now: Timestamp,
    ) -> Result<CustomerClaim, RepoError> {
        self.0
            .call(async |connection| {
                let row = sqlx::query_as!(
                ClaimRow,
                "INSERT INTO customer_claims (user_id, provider, mode, provider_key, claimed_at)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (user_id, provider, mode)
                     DO UPDATE SET provider_key = customer_claims.provider_key
                 RETURNING provider_key, customer_id AS \"customer_id?\", claimed_at",
                owner.as_str(),
                at.provider().as_str(),
                at.mode().as_str(),
                key.as_str(),
                now.as_millis(),
            )
                .fetch_one(&mut *connection)
                .await?;
                Ok(row.parse()?)
            })
            .await
    }

    async fn fulfil(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        key: &ProviderKey,
        customer: &CustomerId,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        self.0.call(async |connection| {
            let row = sqlx::query_as!(
                ClaimRow,
                "UPDATE customer_claims
                 SET customer_id = CASE WHEN provider_key = $4 AND customer_id IS NULL THEN $5 ELSE customer_id END
                 WHERE user_id = $1 AND provider = $2 AND mode = $3
                 RETURNING provider_key, customer_id AS \"customer_id?\", claimed_at",
                owner.as_str(),
                at.provider().as_str(),
                at.mode().as_str(),
                key.as_str(),
                customer.as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(row.map(ClaimRow::parse).transpose()?)
        })
        .await
    }

    async fn replace_key(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
        old: &ProviderKey,
        fresh: &ProviderKey,
        now: Timestamp,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        self.0.call(async |connection| {
            let row = sqlx::query_as!(
                ClaimRow,
                "UPDATE customer_claims
                 SET provider_key = CASE WHEN provider_key = $4 AND customer_id IS NULL THEN $5 ELSE provider_key END,
                     claimed_at = CASE WHEN provider_key = $4 AND customer_id IS NULL THEN $6 ELSE claimed_at END
                 WHERE user_id = $1 AND provider = $2 AND mode = $3
                 RETURNING provider_key, customer_id AS \"customer_id?\", claimed_at",
                owner.as_str(),
                at.provider().as_str(),
                at.mode().as_str(),
                old.as_str(),
                fresh.as_str(),
                now.as_millis(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(row.map(ClaimRow::parse).transpose()?)
        })
        .await
    }
}
