//! Deletes a user's data.

use billing_domain::UserId;
use store_core::error::StoreError;

use crate::engine::Connection;

/// Runs a statement that deletes rows, and returns their number.
macro_rules! delete {
    ($connection:expr, $statement:literal, $($argument:expr),+ $(,)?) => {
        sqlx::query!($statement, $($argument),+).execute(&mut *$connection).await?.rows_affected()
    };
}

/// A customer that only this user has. The columns are not parsed: invalid rows are deleted, too.
struct OwnCustomer {
    provider: String,
    mode: String,
    customer_id: String,
}

/// Deletes a user's keys, links, claims and checkout requests, and the mirror and the events of
/// customers that only this user has. Returns the number of rows. The order of tables is that of
/// readings, which prevents deadlocks.
pub(crate) async fn delete_account(
    connection: &mut Connection,
    user: &UserId,
) -> Result<u64, StoreError> {
    let own = own_customers(connection, user).await?;
    let user = user.as_str();
    let mut deleted = 0;
    let mut subscriptions = Vec::new();
    for customer in &own {
        let (rows, ids) = delete_mirror(connection, customer).await?;
        deleted += rows + ids.len() as u64;
        subscriptions.push(ids);
    }
    deleted += delete!(connection, "DELETE FROM api_keys WHERE user_id = $1", user);
    deleted += delete!(connection, "DELETE FROM billing_customers WHERE user_id = $1", user);
    deleted += delete!(connection, "DELETE FROM customer_claims WHERE user_id = $1", user);
    deleted += delete!(connection, "DELETE FROM checkout_requests WHERE user_id = $1", user);
    for (customer, subscriptions) in own.iter().zip(&subscriptions) {
        deleted += delete_events(connection, customer, subscriptions).await?;
    }
    Ok(deleted)
}

/// Finds the customers in links, claims, checkout requests and audit records of only this user.
/// Only audit records name customers that are gone.
async fn own_customers(
    connection: &mut Connection,
    user: &UserId,
) -> Result<Vec<OwnCustomer>, StoreError> {
    let own = sqlx::query_as!(
        OwnCustomer,
        "SELECT provider AS \"provider!\", mode AS \"mode!\", customer_id AS \"customer_id!\"
         FROM (SELECT provider, mode, customer_id FROM billing_customers WHERE user_id = $1
               UNION SELECT provider, mode, customer_id FROM customer_claims WHERE user_id = $1
               UNION SELECT provider, mode, customer_id FROM checkout_requests WHERE user_id = $1
               UNION SELECT provider, mode, customer_id FROM audit_log WHERE user_id = $1) AS own
         WHERE customer_id IS NOT NULL
           AND NOT EXISTS (SELECT 1 FROM billing_customers AS other
                           WHERE other.provider = own.provider AND other.mode = own.mode
                             AND other.customer_id = own.customer_id AND other.user_id <> $1)
           AND NOT EXISTS (SELECT 1 FROM customer_claims AS other
                           WHERE other.provider = own.provider AND other.mode = own.mode
                             AND other.customer_id = own.customer_id AND other.user_id <> $1)
         ORDER BY provider, mode, customer_id",
        user.as_str(),
    )
    .fetch_all(connection)
    .await?;
    Ok(own)
}

/// Deletes a customer from the mirror. Returns the number of customers and the subscription ids.
async fn delete_mirror(
    connection: &mut Connection,
    customer: &OwnCustomer,
) -> Result<(u64, Vec<String>), StoreError> {
    let OwnCustomer { provider, mode, customer_id } = customer;
    let customers = delete!(
        connection,
        "DELETE FROM customer_mirror WHERE provider = $1 AND mode = $2 AND customer_id = $3",
        provider,
        mode,
        customer_id,
    );
    let subscriptions = sqlx::query_scalar!(
        "DELETE FROM subscription_mirror WHERE provider = $1 AND mode = $2 AND customer_id = $3
         RETURNING subscription_id",
        provider,
        mode,
        customer_id,
    )
    .fetch_all(connection)
    .await?;
    Ok((customers, subscriptions))
}

async fn delete_events(
    connection: &mut Connection,
    customer: &OwnCustomer,
    subscriptions: &[String],
) -> Result<u64, StoreError> {
    let OwnCustomer { provider, mode, customer_id } = customer;
    let mut deleted = delete!(
        connection,
        "DELETE FROM webhook_events
         WHERE provider = $1 AND mode = $2 AND subject_kind = 'customer' AND subject_id = $3",
        provider,
        mode,
        customer_id,
    );
    for subscription in subscriptions {
        deleted += delete!(
            connection,
            "DELETE FROM webhook_events
             WHERE provider = $1 AND mode = $2 AND subject_kind = 'subscription' AND subject_id = $3",
            provider,
            mode,
            subscription,
        );
    }
    Ok(deleted)
}
