//! `GET /livez` and `GET /readyz`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::readiness::State as Ready;
use crate::{Api, problem};

/// The process runs and answers.
pub(crate) async fn livez() -> impl IntoResponse {
    Json(json!({ "status": "ok" }))
}

/// Whether a balancer may send requests here. Once ready, an outage that all replicas share is `degraded`, not 503.
pub(crate) async fn readyz(State(api): State<Api>) -> Response {
    match api.readiness.state() {
        Ready::NotReady(failing) => problem::not_ready(&failing).into_response(),
        Ready::Degraded(failing) => {
            Json(json!({ "status": "degraded", "degraded": failing })).into_response()
        }
        Ready::Ready => Json(json!({ "status": "ready", "degraded": [] })).into_response(),
    }
}
