//! [`IntakeCapacity`] limits the memory for webhook bodies in flight.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Total memory for webhook bodies (64 MiB), in KiB. Unauthenticated clients can fill it, because
/// the service verifies the signature after it reads the body.
const CAPACITY_KIB: usize = 64 * 1024;

/// Memory limit for the bodies of webhook deliveries.
#[derive(Debug)]
pub struct IntakeCapacity(Semaphore);

impl Default for IntakeCapacity {
    fn default() -> Self {
        Self(Semaphore::new(CAPACITY_KIB))
    }
}

impl IntakeCapacity {
    /// Reserves memory for a body of `bytes` bytes. Returns `None` if the limit is reached.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire_many(u32::try_from(bytes.div_ceil(1024)).ok()?).ok()
    }
}
