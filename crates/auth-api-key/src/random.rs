//! Where unpredictable bytes come from.

use std::fmt::Debug;

/// A cryptographically secure source of random bytes. Logic never asks the system itself, so that tests can script it.
pub trait RandomSource: Debug + Send + Sync + 'static {
    /// Fills all of `bytes`.
    ///
    /// # Errors
    /// [`RandomError`] where there are none to be had; `bytes` are then of no use.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomError>;
}

/// No random bytes, and why.
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
