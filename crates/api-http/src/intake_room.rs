//! [`IntakeRoom`]: a bound on the memory of webhook bodies that are being read.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Memory of all webhook bodies together (64 MiB), in KiB. Anybody can send a body, and the sender
/// is only known once it was read.
const ROOM_KIB: usize = 64 * 1024;

/// Memory for the bodies of webhook deliveries.
#[derive(Debug)]
pub struct IntakeRoom(Semaphore);

impl Default for IntakeRoom {
    fn default() -> Self {
        Self(Semaphore::new(ROOM_KIB))
    }
}

impl IntakeRoom {
    /// Reserves memory for a body of this many bytes; `None` if there is not enough.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire_many(u32::try_from(bytes.div_ceil(1024)).ok()?).ok()
    }
}
