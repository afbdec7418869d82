//! [`SqlLeadership`]: leader election.

use async_trait::async_trait;
use billing_domain::Timestamp;
use billing_domain::ports::{Leadership, RepoError};

use crate::engine::Connections;

/// Leases on duties in the table `leaderships`.
#[derive(Clone, Debug)]
pub(crate) struct SqlLeadership(pub(crate) Connections);

#[async_trait]
impl Leadership for SqlLeadership {
    async fn acquire(
        &self,
        duty: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RepoError> {
        self.0
            .call(async |connection| {
                let acquired = sqlx::query!(
                    "INSERT INTO leaderships (duty, holder, held_until) VALUES ($1, $2, $3)
                 ON CONFLICT (duty)
                     DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                     WHERE leaderships.holder = excluded.holder OR leaderships.held_until <= $4",
                    duty,
                    holder,
                    until.as_millis(),
                    now.as_millis(),
                )
                .execute(&mut *connection)
                .await?;
                Ok(acquired.rows_affected() == 1)
            })
            .await
    }
}
