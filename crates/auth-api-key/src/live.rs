//! The settings in force, which a reload replaces while requests run.

use std::sync::{Arc, PoisonError, RwLock};

use billing_domain::KeyPrefix;

use crate::gate::Gate;
use crate::settings::ApiKeySettings;

/// What is in force at one moment. A request takes it once and keeps it to its end.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) prefix: KeyPrefix,
    pub(crate) gate: Gate,
    /// Another one from the moment on that a pepper is gone: what was proven under it counts no more.
    pub(crate) epoch: u64,
}

/// The place where they stand.
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

    /// Prefix and peppers change together, between two requests.
    pub(crate) fn replace(&self, settings: &ApiKeySettings) {
        let (prefix, gate) = (settings.prefix().clone(), settings.gate().clone());
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let all_stay =
            current.gate.pepper_ids().all(|id| gate.pepper_ids().any(|other| other == id));
        let epoch = if all_stay { current.epoch } else { current.epoch + 1 };
        *current = Arc::new(Snapshot { prefix, gate, epoch });
    }
}
