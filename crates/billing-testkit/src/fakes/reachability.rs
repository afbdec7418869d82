//! The switch that takes a fake store out of reach.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use billing_domain::ports::RepoError;

/// Whether a store answers. Clones are one switch: several fakes made with it go down and come back together.
#[derive(Clone, Debug)]
pub struct Reachability(Arc<AtomicBool>);

impl Reachability {
    /// Every call is [`RepoError::Unavailable`] from now on.
    pub fn go_down(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// Calls are answered again.
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
