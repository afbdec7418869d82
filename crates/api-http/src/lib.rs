//! The HTTP API of the billing portal. It uses the ports of the domain. `billing-portal` chooses
//! the adapters.

mod caller;
mod deadline;
pub mod edge;
mod endpoint;
pub mod error_code;
mod intake_capacity;
mod on_behalf;
mod openapi;
pub mod problem;
pub mod readiness;
mod request_limits;
mod responses;
pub mod routes;
mod state;
pub mod timestamps;

pub use crate::intake_capacity::IntakeCapacity;
pub use crate::request_limits::RequestLimits;
pub use crate::state::AppState;
