//! `GET /livez`: the liveness probe.

use axum::Json;

use super::readyz::Probe;
use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::get("/livez", livez).operation("livez", SERVICE, "Liveness probe").returns::<Probe>(
        200,
        "The process is running.",
        None,
    )
}

async fn livez() -> Json<Probe> {
    Json(Probe::OK)
}
