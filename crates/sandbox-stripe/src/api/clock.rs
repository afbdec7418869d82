//! The control endpoint for the sandbox's clock: reads the time and moves it forward.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::control::respond;
use super::error::ApiError;
use super::params::Params;
use crate::store::{ClockError, ClockMove, Store};

/// The routes that return the time and advance the clock.
pub(crate) fn router(store: Arc<Store>) -> Router {
    Router::new().route("/sandbox/clock", get(get_clock).post(move_clock)).with_state(store)
}

async fn get_clock(State(store): State<Arc<Store>>, request: Request) -> Response {
    respond(request, async |params| {
        params.expect(&[], &[])?;
        Ok(clock_json((store.now(), store.offset())))
    })
    .await
}

async fn move_clock(State(store): State<Arc<Store>>, request: Request) -> Response {
    respond(request, async |params| {
        let (clock_move, param) = read(params)?;
        // Years of renewals take a while. Other requests must not wait for them.
        let moved = tokio::task::spawn_blocking(move || store.advance(clock_move)).await;
        match moved {
            Ok(Ok(time)) => Ok(clock_json(time)),
            Ok(Err(ClockError::Failed(error))) => Err(error.into()),
            Ok(Err(error)) => {
                Err(ApiError::invalid(None, param, format!("Invalid {param}: {error}")))
            }
            Err(error) => Err(std::io::Error::other(error).into()),
        }
    })
    .await
}

fn clock_json((now, offset): (i64, i64)) -> Value {
    json!({ "now": now, "offset": offset })
}

fn read(mut params: Params) -> Result<(ClockMove, &'static str), ApiError> {
    params.expect(&["advance", "to"], &[])?;
    match (params.integer("advance")?, params.integer("to")?) {
        (Some(seconds), None) => Ok((ClockMove::By(seconds), "advance")),
        (None, Some(time)) => Ok((ClockMove::To(time), "to")),
        (None, None) => Err(params.absent("advance")),
        (Some(_), Some(_)) => {
            let message = "You may only specify one of these parameters: advance, to.";
            Err(ApiError::invalid(None, "to", message))
        }
    }
}
