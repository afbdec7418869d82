//! Which of the replicas does what only one should do.

use std::fmt::Debug;

use async_trait::async_trait;

use super::RepoError;
use crate::Timestamp;

/// Gives a duty to one holder at a time.
#[async_trait]
pub trait Leadership: Debug + Send + Sync + 'static {
    /// Whether `holder` has the duty until that moment: it had it, nobody had it, or the last holder's time was over at `now`.
    /// One statement decides: of many at once, one gets it.
    ///
    /// # Errors
    /// [`RepoError::Unavailable`] where the database gave no answer within 3 s.
    async fn acquire(
        &self,
        duty: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, RepoError>;
}
