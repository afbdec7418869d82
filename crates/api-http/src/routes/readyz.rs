//! `GET /readyz`: reports whether a load balancer may send requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http_edge::Problem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoint::Endpoint;
use crate::error_code::ErrorCode;
use crate::openapi::SERVICE;
use crate::problem;
use crate::readiness::State as Readiness;
use crate::state::AppState;

#[derive(Serialize, ToSchema)]
pub(crate) struct Probe {
    #[schema(inline)]
    status: Status,
    /// Names of failing dependencies.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    degraded: Option<Vec<&'static str>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Ready,
    Degraded,
}

impl Probe {
    /// The response of `/livez`.
    pub(crate) const OK: Self = Self { status: Status::Ok, degraded: None };
}

pub(crate) fn endpoint() -> Endpoint {
    let response = "The service is ready. `degraded` names failing dependencies.";
    Endpoint::get("/readyz", readyz)
        .operation("readyz", SERVICE, "Readiness probe")
        .returns::<Probe>(200, response, None)
        .errors(&[ErrorCode::NotReady])
}

/// Once the service is ready, an outage that all replicas share is `degraded` and not 503.
async fn readyz(State(app): State<Arc<AppState>>) -> Result<Json<Probe>, Problem> {
    let (status, degraded) = match app.readiness.state() {
        Readiness::NotReady(failing) => return Err(problem::not_ready(&failing)),
        Readiness::Degraded(failing) => (Status::Degraded, failing),
        Readiness::Ready => (Status::Ready, Vec::new()),
    };
    Ok(Json(Probe { status, degraded: Some(degraded) }))
}
