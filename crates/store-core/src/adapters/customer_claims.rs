//! [`SqlCustomerClaims`]: the store of customer claims.

use async_trait::async_trait;
use billing_domain::ports::{CustomerClaims, RepoError};
use billing_domain::{CustomerClaim, CustomerId, ProviderAccount, ProviderKey, Timestamp, UserId};
use store_core::checkout_rows::ClaimRow;

use crate::engine::Connections;

/// Customer claims in the table `customer_claims`. Each method uses one statement.
#[derive(Clone, Debug)]
pub(crate) struct SqlCustomerClaims(pub(crate) Connections);

#[async_trait]
impl CustomerClaims for SqlCustomerClaims {
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerClaim>, RepoError> {
        self.0
            .call(async |connection| {
                let row = sqlx::query_as!(
                    ClaimRow,
                    "SELECT provider_key, customer_id, claimed_at FROM customer_claims
                 WHERE user_id = $1 AND provider = $2 AND mode = $3",
                    owner.as_str(),
                    account.provider().as_str(),
                    account.mode().as_str(),
                )
                .fetch_optional(&mut *connection)
                .await?;
                Ok(row.map(ClaimRow::parse).transpose()?)
            })
            .await
    }

    /// The update changes no value: `RETURNING` only returns written rows.
    async fn claim(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
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
                account.provider().as_str(),
                account.mode().as_str(),
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
        account: &ProviderAccount,
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
                account.provider().as_str(),
                account.mode().as_str(),
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
        account: &ProviderAccount,
        old: &ProviderKey,
        new: &ProviderKey,
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
                account.provider().as_str(),
                account.mode().as_str(),
                old.as_str(),
                new.as_str(),
                now.as_millis(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(row.map(ClaimRow::parse).transpose()?)
        })
        .await
    }
}
