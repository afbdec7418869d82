//! The control endpoint of time: what it is, and that it moves forward.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::control::answer;
use super::error::ApiError;
use super::params::Params;
use crate::store::{NoTurn, Store, Turn};

/// The routes that tell and move the time.
pub(crate) fn router(store: Arc<Store>) -> Router {
    Router::new().route("/sandbox/clock", get(tell).post(turn)).with_state(store)
}

async fn tell(State(store): State<Arc<Store>>, request: Request) -> Response {
    answer(request, async |params| {
        params.expect(&[], &[])?;
        Ok(shown((store.now(), store.offset())))
    })
    .await
}

async fn turn(State(store): State<Arc<Store>>, request: Request) -> Response {
    answer(request, async |params| {
        let (turn, param) = read(params)?;
        // Years of renewals take their time, in which others are to be answered.
        let turned = tokio::task::spawn_blocking(move || store.turn(turn)).await;
        match turned {
            Ok(Ok(time)) => Ok(shown(time)),
            Ok(Err(NoTurn::Failed(error))) => Err(error.into()),
            Ok(Err(error)) => {
                Err(ApiError::invalid(None, param, format!("Invalid {param}: {error}")))
            }
            Err(error) => Err(std::io::Error::other(error).into()),
        }
    })
    .await
}

fn shown((now, offset): (i64, i64)) -> Value {
    json!({ "now": now, "offset": offset })
}

fn read(mut params: Params) -> Result<(Turn, &'static str), ApiError> {
    params.expect(&["advance", "to"], &[])?;
    match (params.integer("advance")?, params.integer("to")?) {
        (Some(seconds), None) => Ok((Turn::By(seconds), "advance")),
        (None, Some(time)) => Ok((Turn::To(time), "to")),
        (None, None) => Err(params.absent("advance")),
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: advance, to.";
            Err(ApiError::invalid(None, "to", message))
        }
    }
}
