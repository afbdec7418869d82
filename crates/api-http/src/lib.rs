//! The billing portal's HTTP API over the domain's ports. Which adapters implement the ports is
//! decided in `billing-portal`.

mod caller;
mod deadline;
pub mod edge;
mod endpoint;
pub mod error_code;
mod guard;
mod intake_room;
mod openapi;
pub mod problem;
pub mod readiness;
mod responses;
pub mod routes;
mod state;
pub mod timestamps;

pub use crate::guard::Guard;
pub use crate::intake_room::IntakeRoom;
pub use crate::state::AppState;
