//! Sources of random bytes.

use std::fmt::Debug;

/// A cryptographically secure source of random bytes. Tests replace it with a scripted one.
pub trait RandomSource: Debug + Send + Sync + 'static {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`RandomError`] if no random bytes are available; the content of `bytes` is then undefined.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// No random bytes are available, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no random bytes: {0}")]
pub struct RandomError(pub String);

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl RandomSource for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(bytes).map_err(|error| RandomError(error.to_string()))
    }
}
