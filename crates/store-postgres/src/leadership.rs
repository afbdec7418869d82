//! [`PgLeadership`].

use async_trait::async_trait;
use billing_domain::Timestamp;
use billing_domain::ports::{Leadership, RepoError};

use crate::connections::{Connections, bounded};

/// Who has which duty, in the table `leaderships`.
#[derive(Clone, Debug)]
pub struct PgLeadership {
    connections: Connections,
}

impl PgLeadership {
    pub(crate) fn new(connections: Connections) -> Self {
        Self { connections }
    }
}

#[async_trait]
impl Leadership for PgLeadership {
    async fn take(
        &self,
        duty: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RepoError> {
        bounded(async {
            let mut connection = self.connections.lease().await?;
            let taken = sqlx::query!(
                "INSERT INTO leaderships (duty, holder, held_until) VALUES ($1, $2, $3)
                 ON CONFLICT ON CONSTRAINT leaderships_pkey
                     DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
                     WHERE leaderships.holder = excluded.holder OR leaderships.held_until <= $4",
                duty,
                holder,
                until.as_millis(),
                now.as_millis(),
            )
            .execute(&mut *connection)
            .await?;
            connection.done();
            Ok(taken.rows_affected() == 1)
        })
        .await
    }
}
