//! [`ReadinessProbe`]: the readiness state behind the probe routes.

use std::fmt::Debug;

/// Reports whether the service is ready. It only reads the state that background tasks observed.
pub trait ReadinessProbe: Debug + Send + Sync {
    /// Returns the current state.
    fn state(&self) -> State;
}

/// The readiness state, with the names of failing checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All checks pass.
    Ready,
    /// These checks fail, but the service still accepts requests.
    Degraded(Vec<&'static str>),
    /// These checks fail, and the service must not receive requests.
    NotReady(Vec<&'static str>),
}
