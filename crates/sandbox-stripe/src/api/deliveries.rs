//! The control endpoint for webhook deliveries: list them, inject faults, send events again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::control::respond;
use super::error::ApiError;
use super::params::Params;
use super::webhook_endpoints::EVENT_TYPES;
use crate::model::Delivery;
use crate::state::State;
use crate::store::Store;
use crate::view;
use crate::webhooks::{Fault, MAX_RULES, Rule, Webhooks, matches};

/// Maximum `times` of a rule; our limit.
const MAX_TIMES: i64 = 1_000_000;

/// Maximum `seconds` of a late delivery; our limit.
const MAX_DELAY_SECONDS: i64 = 60 * 60;

/// Maximum deliveries in a response.
const MAX_LISTED: i64 = 1_000;

/// The state of the delivery routes.
#[derive(Clone, Debug)]
struct DeliveriesState {
    store: Arc<Store>,
    webhooks: Arc<Webhooks>,
}

/// The routes of deliveries.
pub(crate) fn router(store: Arc<Store>, webhooks: Arc<Webhooks>) -> Router {
    Router::new()
        .route("/sandbox/deliveries", get(list).post(add).delete(forget))
        .route("/sandbox/deliveries/resend", post(resend))
        .with_state(DeliveriesState { store, webhooks })
}

async fn list(Shared(app): Shared<DeliveriesState>, request: Request) -> Response {
    respond(request, async |mut params| {
        params.expect(&["endpoint", "event", "limit"], &[])?;
        let event = params.text("event", 5_000)?;
        let endpoint = params.text("endpoint", 5_000)?;
        let limit = params.integer_in("limit", 1..=MAX_LISTED)?.unwrap_or(100);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let rules: Vec<Value> = app.webhooks.rules().iter().map(rule_json).collect();
        let fits = |delivery: &&Delivery| {
            event.as_ref().is_none_or(|event| *event == delivery.event)
                && endpoint.as_ref().is_none_or(|endpoint| *endpoint == delivery.endpoint)
        };
        Ok(app.store.read(|state| {
            let newest = state.deliveries.oldest_first().rev().filter(fits).take(limit);
            let data: Vec<Value> = newest.map(|delivery| delivery_json(delivery, state)).collect();
            json!({ "rules": rules, "pending": state.deliveries.pending(), "data": data })
        }))
    })
    .await
}

async fn add(Shared(app): Shared<DeliveriesState>, request: Request) -> Response {
    respond(request, async |params| {
        let requested = read(params)?;
        if let Some(endpoint) = &requested.endpoint {
            app.store.read(|state| known_endpoint(state, endpoint))?;
        }
        let made = app.webhooks.add_rule(requested).map_err(|_| {
            let message = format!(
                "There are {MAX_RULES} rules for deliveries already; DELETE /sandbox/deliveries \
                deletes them."
            );
            ApiError::refused(400, None, message)
        })?;
        Ok(rule_json(&made))
    })
    .await
}

async fn forget(Shared(app): Shared<DeliveriesState>, request: Request) -> Response {
    respond(request, async |_| Ok(json!({ "forgotten": app.webhooks.forget_rules() }))).await
}

async fn resend(Shared(app): Shared<DeliveriesState>, request: Request) -> Response {
    respond(request, async |mut params| {
        params.expect(&["endpoint", "event"], &[])?;
        let event = params.required_text("event", 5_000)?;
        let endpoint = params.text("endpoint", 5_000)?;
        let work = |transaction: &mut crate::transaction::Transaction<'_>| {
            let state = transaction.state();
            let found = state
                .events
                .get(&event)
                .ok_or_else(|| ApiError::missing("event", &event, "event"))?;
            if let Some(endpoint) = &endpoint {
                known_endpoint(state, endpoint)?;
            }
            let wants = |id: &str| endpoint.as_ref().is_none_or(|endpoint| endpoint == id);
            let all = state.webhook_endpoints.oldest_first().filter(|each| wants(&each.id));
            // A named endpoint gets the event even if it does not subscribe to its type.
            let receivers = all
                .filter(|each| !each.disabled && (endpoint.is_some() || each.wants(&found.kind)));
            Ok(receivers
                .map(|each| transaction.deliver(&event, &each.id, true))
                .collect::<Vec<u64>>())
        };
        let show = |made: Vec<u64>, state: &State| {
            let made = made.iter().filter_map(|id| state.deliveries.get(*id));
            made.map(|delivery| delivery_json(delivery, state)).collect::<Vec<Value>>()
        };
        Ok(json!({ "data": app.store.transact_then::<_, _, ApiError>(work, show)? }))
    })
    .await
}

fn known_endpoint(state: &State, id: &str) -> Result<(), ApiError> {
    let found = state.webhook_endpoints.get(id).map(|_| ());
    found.ok_or_else(|| ApiError::missing("webhook endpoint", id, "endpoint"))
}

fn delivery_json(delivery: &Delivery, state: &State) -> Value {
    view::delivery(delivery, state.events.get(&delivery.event).map(|event| event.kind.as_str()))
}

fn read(mut params: Params) -> Result<Rule, ApiError> {
    params.expect(&["endpoint", "fault", "seconds", "times", "type"], &[])?;
    let word = params.choice("fault", &["late", "double", "reorder", "lose"])?;
    let word = word.ok_or_else(|| params.absent("fault"))?;
    let seconds = params.integer_in("seconds", 1..=MAX_DELAY_SECONDS)?;
    let fault = match (word, seconds) {
        ("late", None) => return Err(params.absent("seconds")),
        ("late", Some(seconds)) => Fault::Late(seconds.unsigned_abs()),
        (_, Some(_)) => {
            return Err(ApiError::invalid(
                None,
                "seconds",
                "seconds is only allowed with fault=late",
            ));
        }
        ("double", None) => Fault::Double,
        ("reorder", None) => Fault::Reorder,
        (_, None) => Fault::Lose,
    };
    // Reordering needs at least two deliveries.
    let min_times = if fault == Fault::Reorder { 2 } else { 1 };
    let times = params.integer_in("times", min_times..=MAX_TIMES)?.unwrap_or(min_times);
    let kind = params.text("type", 5_000)?;
    // A misspelt type would never match an event.
    if kind.as_ref().is_some_and(|kind| !EVENT_TYPES.iter().any(|known| matches(kind, known))) {
        return Err(ApiError::invalid(None, "type", "Invalid type: no event type matches"));
    }
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    Ok(Rule { id: 0, fault, kind, endpoint: params.text("endpoint", 5_000)?, times })
}

fn rule_json(rule: &Rule) -> Value {
    let seconds = if let Fault::Late(seconds) = rule.fault { Some(seconds) } else { None };
    json!({
        "id": rule.id,
        "endpoint": rule.endpoint,
        "fault": rule.fault.as_str(),
        "seconds": seconds,
        "times": rule.times,
        "type": rule.kind,
    })
}
