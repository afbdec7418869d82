//! The port of leader election among replicas.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::Timestamp;

/// Assigns a duty to one replica at a time, with a lease.
#[async_trait]
pub trait Leadership: Debug + Send + Sync + 'static {
    /// Acquires or renews the lease on a duty until `until`. Returns whether `holder` has the
    /// lease.
    ///
    /// The call fails if another holder has a lease at `now`. Of concurrent calls, one succeeds.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] if the database did not respond within 3 s.
    async fn acquire(
        &self,
        duty: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RepoError>;
}
