//! [`SqlCustomerRepo`].

use async_trait::async_trait;
use billing_domain::ports::{CustomerRepo, LinkOutcome, OnConflict, RepoError};
use billing_domain::{CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};
use store_core::error::StoreError;
use store_core::rows::{CustomerRow, customer_id, user_id};

use crate::engine::{Connection, Connections};

/// Links from users to customers in the table `billing_customers`.
#[derive(Clone, Debug)]
pub(crate) struct SqlCustomerRepo(pub(crate) Connections);

#[async_trait]
impl CustomerRepo for SqlCustomerRepo {
    async fn find(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.0.call(async |connection| find(connection, owner, at).await).await
    }

    /// No transaction: every statement is one step that either takes effect or finds what another caller did before it. Then
    /// the loop looks again.
    async fn link(
        &self,
        link: &CustomerLink,
        on_conflict: OnConflict,
        now: Timestamp,
    ) -> Result<LinkOutcome, RepoError> {
        self.0
            .call(async |connection| {
                Ok(loop {
                    if insert(connection, link, now).await? {
                        break LinkOutcome::Created;
                    }
                    let Some(existing) = find(connection, &link.owner, &link.at).await? else {
                        continue;
                    };
                    if existing == link.customer {
                        break LinkOutcome::Unchanged;
                    }
                    match on_conflict {
                        OnConflict::Keep => break LinkOutcome::Conflict(existing),
                        OnConflict::Replace
                            if replace(connection, &existing, link, now).await? =>
                        {
                            break LinkOutcome::Replaced(existing);
                        }
                        OnConflict::Replace => {}
                    }
                })
            })
            .await
    }

    async fn unlink(
        &self,
        owner: &UserId,
        at: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.0.call(async |connection| {
            let removed = sqlx::query_scalar!(
                "DELETE FROM billing_customers WHERE user_id = $1 AND provider = $2 AND mode = $3 RETURNING customer_id",
                owner.as_str(),
                at.provider().as_str(),
                at.mode().as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(removed.map(customer_id).transpose()?)
        })
        .await
    }

    async fn list(&self, owner: &UserId) -> Result<Vec<CustomerLink>, RepoError> {
        self.0.call(async |connection| {
            let rows = sqlx::query_as!(
                CustomerRow,
                "SELECT user_id, provider, mode, customer_id FROM billing_customers WHERE user_id = $1
                 ORDER BY provider, mode",
                owner.as_str(),
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(rows.into_iter().map(CustomerRow::parse).collect::<Result<_, _>>()?)
        })
        .await
    }

    async fn owners(
        &self,
        at: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError> {
        self.0.call(async |connection| {
            let owners = sqlx::query_scalar!(
                "SELECT user_id FROM billing_customers WHERE provider = $1 AND mode = $2 AND customer_id = $3
                 ORDER BY user_id",
                at.provider().as_str(),
                at.mode().as_str(),
                customer.as_str(),
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(owners.iter().map(|text| user_id(text)).collect::<Result<_, _>>()?)
        })
        .await
    }
}

pub(crate) async fn find(
    connection: &mut Connection,
    owner: &UserId,
    at: &ProviderAccount,
) -> Result<Option<CustomerId>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT customer_id FROM billing_customers WHERE user_id = $1 AND provider = $2 AND mode = $3",
        owner.as_str(),
        at.provider().as_str(),
        at.mode().as_str(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.map(customer_id).transpose()?)
}

/// Whether the user had no customer there, and now has this one.
pub(crate) async fn insert(
    connection: &mut Connection,
    link: &CustomerLink,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let inserted = sqlx::query!(
        "INSERT INTO billing_customers (user_id, provider, mode, customer_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT (user_id, provider, mode) DO NOTHING",
        link.owner.as_str(),
        link.at.provider().as_str(),
        link.at.mode().as_str(),
        link.customer.as_str(),
        now.as_millis(),
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Whether the user's customer there was still `old`, and is now the link's.
async fn replace(
    connection: &mut Connection,
    old: &CustomerId,
    link: &CustomerLink,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let replaced = sqlx::query!(
        "UPDATE billing_customers SET customer_id = $5, updated_at = $6
         WHERE user_id = $1 AND provider = $2 AND mode = $3 AND customer_id = $4",
        link.owner.as_str(),
        link.at.provider().as_str(),
        link.at.mode().as_str(),
        old.as_str(),
        link.customer.as_str(),
        now.as_millis(),
    )
    .execute(connection)
    .await?;
    Ok(replaced.rows_affected() == 1)
}
