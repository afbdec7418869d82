//! [`ReadinessProbe`]: where the probe routes read whether the service is ready.

use std::fmt::Debug;

/// Reports whether the service is ready. A probe only reads what background tasks have observed.
pub trait ReadinessProbe: Debug + Send + Sync {
    /// The state now.
    fn state(&self) -> State;
}

/// A probe's answer. Failing checks are listed by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Every check passes.
    Ready,
    /// The service accepts requests although these checks fail.
    Degraded(Vec<&'static str>),
    /// The service must not get requests: these checks fail.
    NotReady(Vec<&'static str>),
}
