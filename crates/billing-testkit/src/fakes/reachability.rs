//! [`Reachability`]: a switch that makes fake stores unreachable.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use billing_domain::ports::RepoError;

/// A switch that makes stores unreachable. Clones share the switch.
#[derive(Clone, Debug)]
pub struct Reachability(Arc<AtomicBool>);

impl Reachability {
    /// Makes every call fail with [`RepoError::Unavailable`].
    pub fn go_down(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Makes calls succeed again.
    pub fn come_back(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(super) fn check(&self) -> Result<(), RepoError> {
        if self.0.load(Ordering::SeqCst) {
            Ok(())
        } else {
            Err(RepoError::Unavailable("the fake is down".into()))
        }
    }
}

impl Default for Reachability {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}
