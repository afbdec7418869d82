//! [`SqlCustomerRepo`]: the store of links.

use async_trait::async_trait;
use billing_domain::ports::{CustomerRepo, LinkChange, RepoError};
use billing_domain::{AuditEvent, CustomerId, CustomerLink, ProviderAccount, Timestamp, UserId};
use store_core::audit_rows::AuditRow;
use store_core::error::StoreError;
use store_core::rows::{CustomerRow, customer_id, user_id};

use crate::engine::{Connection, Connections};
use crate::statements;

/// Links from users to customers in the table `billing_customers`.
#[derive(Clone, Debug)]
pub(crate) struct SqlCustomerRepo(pub(crate) Connections);

#[async_trait]
impl CustomerRepo for SqlCustomerRepo {
    async fn find(
        &self,
        owner: &UserId,
        account: &ProviderAccount,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.0.call(async |connection| {
            let found = sqlx::query_scalar!(
                "SELECT customer_id FROM billing_customers WHERE user_id = $1 AND provider = $2 AND mode = $3",
                owner.as_str(),
                account.provider().as_str(),
                account.mode().as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(found.map(customer_id).transpose()?)
        })
        .await
    }

    async fn change(
        &self,
        change: &LinkChange,
        now: Timestamp,
        records: &[AuditEvent],
    ) -> Result<bool, RepoError> {
        let rows: Vec<_> = records.iter().map(AuditRow::from).collect();
        self.0
            .write(async |transaction| {
                let changed = apply(transaction, change, now).await?;
                if changed {
                    statements::insert_audit_rows(transaction, &rows).await?;
                }
                Ok(changed)
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
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Vec<UserId>, RepoError> {
        self.0.call(async |connection| {
            let owners = sqlx::query_scalar!(
                "SELECT user_id FROM billing_customers WHERE provider = $1 AND mode = $2 AND customer_id = $3
                 ORDER BY user_id",
                account.provider().as_str(),
                account.mode().as_str(),
                customer.as_str(),
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(owners.iter().map(|text| user_id(text)).collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Applies a change. Returns `false` if its precondition fails.
pub(crate) async fn apply(
    connection: &mut Connection,
    change: &LinkChange,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let statement = match change {
        LinkChange::Add(link) => {
            sqlx::query!(
                "INSERT INTO billing_customers (user_id, provider, mode, customer_id, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $5)
                 ON CONFLICT (user_id, provider, mode) DO NOTHING",
                link.owner.as_str(),
                link.account.provider().as_str(),
                link.account.mode().as_str(),
                link.customer.as_str(),
                now.as_millis(),
            )
        }
        LinkChange::Replace { old, new } => {
            sqlx::query!(
                "UPDATE billing_customers SET customer_id = $5, updated_at = $6
                 WHERE user_id = $1 AND provider = $2 AND mode = $3 AND customer_id = $4",
                new.owner.as_str(),
                new.account.provider().as_str(),
                new.account.mode().as_str(),
                old.as_str(),
                new.customer.as_str(),
                now.as_millis(),
            )
        }
        LinkChange::Remove(link) => {
            sqlx::query!(
                "DELETE FROM billing_customers
                 WHERE user_id = $1 AND provider = $2 AND mode = $3 AND customer_id = $4",
                link.owner.as_str(),
                link.account.provider().as_str(),
                link.account.mode().as_str(),
                link.customer.as_str(),
            )
        }
    };
    Ok(statement.execute(connection).await?.rows_affected() == 1)
}
