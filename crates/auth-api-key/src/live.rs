//! [`LiveSettings`]: the current settings. A reload replaces them while requests run.

use std::sync::{Arc, PoisonError, RwLock};

use billing_domain::KeyPrefix;

use crate::gate::Gate;
use crate::settings::ApiKeySettings;

/// The settings at one moment. A request uses one snapshot from start to end.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) prefix: KeyPrefix,
    pub(crate) gate: Gate,
    /// Increases when a pepper is removed, which invalidates the cached proofs.
    pub(crate) epoch: u64,
}

/// Holds the current snapshot.
#[derive(Debug)]
pub(crate) struct LiveSettings(RwLock<Arc<Snapshot>>);

impl LiveSettings {
    pub(crate) fn new(settings: &ApiKeySettings) -> Self {
        let (prefix, gate) = (settings.prefix().clone(), settings.gate().clone());
        Self(RwLock::new(Arc::new(Snapshot { prefix, gate, epoch: 0 })))
    }

    pub(crate) fn get(&self) -> Arc<Snapshot> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces prefix and peppers together. Running requests keep their snapshot.
    pub(crate) fn replace(&self, settings: &ApiKeySettings) {
        let (prefix, gate) = (settings.prefix().clone(), settings.gate().clone());
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let all_stay =
            current.gate.pepper_ids().all(|id| gate.pepper_ids().any(|other| other == id));
        let epoch = if all_stay { current.epoch } else { current.epoch + 1 };
        *current = Arc::new(Snapshot { prefix, gate, epoch });
    }
}
