//! [`SqlBillingMirror`]: the mirror.

use async_trait::async_trait;
use billing_domain::ports::{BillingMirror, RepoError};
use billing_domain::{
    CustomerId, Effect, MirrorOutcome, MirrorUpdate, MirroredCustomer, ProviderAccount,
    SubscriptionId,
};
use store_core::mirror_rows::{MirrorRow, customers, subscription_customer};

use super::mirror_write::apply;
use crate::engine::Connections;

/// The mirror in the tables `customer_mirror` and `subscription_mirror`.
#[derive(Clone, Debug)]
pub(crate) struct SqlBillingMirror(pub(crate) Connections);

#[async_trait]
impl BillingMirror for SqlBillingMirror {
    /// Uses one statement, so customer and subscriptions belong to the same reading.
    async fn find(
        &self,
        account: &ProviderAccount,
        customer: &CustomerId,
    ) -> Result<Option<MirroredCustomer>, RepoError> {
        self.0.call(async |connection| {
            let rows = sqlx::query_as!(
                MirrorRow,
                "SELECT known.customer_id, known.version AS \"version?\", known.state AS \"state?\",
                        known.read_at AS \"read_at?\", subscription_id AS \"subscription_id?\", status AS \"status?\",
                        prices AS \"prices?\", cycle, created_at AS \"created_at?\", period_start, period_end,
                        cancel_at_period_end AS \"cancel_at_period_end?\", cancel_at
                 FROM customer_mirror AS known
                 LEFT JOIN subscription_mirror AS own
                        ON own.provider = known.provider AND own.mode = known.mode AND own.customer_id = known.customer_id
                 WHERE known.provider = $1 AND known.mode = $2 AND known.customer_id = $3
                 ORDER BY created_at DESC, subscription_id",
                account.provider().as_str(),
                account.mode().as_str(),
                customer.as_str(),
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(customers(rows)?.pop())
        })
        .await
    }

    async fn apply(
        &self,
        update: &MirrorUpdate,
        effects: &[Effect],
    ) -> Result<MirrorOutcome, RepoError> {
        let is_applied = |outcome: &MirrorOutcome| matches!(outcome, MirrorOutcome::Applied);
        self.0
            .write_if(is_applied, async |transaction| apply(transaction, update, effects).await)
            .await
    }

    /// Reads the next customers from each of three tables, by an index.
    async fn list<'a>(
        &self,
        account: &ProviderAccount,
        after: Option<&'a CustomerId>,
        limit: u32,
    ) -> Result<Vec<MirroredCustomer>, RepoError> {
        self.0.call(async |connection| {
            let rows = sqlx::query_as!(
                MirrorRow,
                "WITH page AS (
                     SELECT customer_id FROM (SELECT customer_id FROM customer_mirror
                                              WHERE provider = $1 AND mode = $2 AND customer_id > $3
                                              ORDER BY customer_id LIMIT $4) AS known
                     UNION
                     SELECT customer_id FROM (SELECT DISTINCT customer_id FROM billing_customers
                                              WHERE provider = $1 AND mode = $2 AND customer_id > $3
                                              ORDER BY customer_id LIMIT $4) AS linked
                     UNION
                     SELECT customer_id FROM (SELECT DISTINCT customer_id FROM customer_claims
                                              WHERE provider = $1 AND mode = $2 AND customer_id > $3
                                              ORDER BY customer_id LIMIT $4) AS claimed
                     ORDER BY customer_id LIMIT $4
                 )
                 SELECT page.customer_id AS \"customer_id!\", known.version AS \"version?\", known.state AS \"state?\",
                        known.read_at AS \"read_at?\", subscription_id AS \"subscription_id?\", status AS \"status?\",
                        prices AS \"prices?\", cycle, created_at AS \"created_at?\", period_start, period_end,
                        cancel_at_period_end AS \"cancel_at_period_end?\", cancel_at
                 FROM page
                 LEFT JOIN customer_mirror AS known
                        ON known.provider = $1 AND known.mode = $2 AND known.customer_id = page.customer_id
                 LEFT JOIN subscription_mirror AS own
                        ON own.provider = known.provider AND own.mode = known.mode AND own.customer_id = known.customer_id
                 ORDER BY page.customer_id, created_at DESC, subscription_id",
                account.provider().as_str(),
                account.mode().as_str(),
                // The empty text sorts before every id.
                after.map_or("", CustomerId::as_str),
                i64::from(limit),
            )
            .fetch_all(&mut *connection)
            .await?;
            Ok(customers(rows)?)
        })
        .await
    }

    async fn customer_of(
        &self,
        account: &ProviderAccount,
        subscription: &SubscriptionId,
    ) -> Result<Option<CustomerId>, RepoError> {
        self.0.call(async |connection| {
            let found = sqlx::query_scalar!(
                "SELECT customer_id FROM subscription_mirror WHERE provider = $1 AND mode = $2 AND subscription_id = $3",
                account.provider().as_str(),
                account.mode().as_str(),
                subscription.as_str(),
            )
            .fetch_optional(&mut *connection)
            .await?;
            Ok(found.map(subscription_customer).transpose()?)
        })
        .await
    }
}
