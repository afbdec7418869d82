//! `GET /livez`: the process runs and answers.

use axum::Json;

use super::readyz::Probe;
use crate::endpoint::Endpoint;
use crate::openapi::SERVICE;

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::get("/livez", livez)
        .operation("livez", SERVICE, "The process runs.")
        .returns::<Probe>(200, "The process runs.", None)
}

async fn livez() -> Json<Probe> {
    Json(Probe::OK)
}
