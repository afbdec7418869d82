//! The control endpoint of deliveries: how they went, which are to go wrong, and which are to come again.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State as Shared};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::control::answer;
use super::error::ApiError;
use super::params::Params;
use super::webhook_endpoints::EVENT_TYPES;
use crate::model::Delivery;
use crate::state::State;
use crate::store::Store;
use crate::view;
use crate::webhooks::{Fault, MOST_RULES, Rule, Webhooks, matches};

/// More than any test needs.
const MOST_TIMES: i64 = 1_000_000;

/// What comes later than this comes never.
const LATEST_SECONDS: i64 = 60 * 60;

/// So many deliveries are shown at once.
const MOST_SHOWN: i64 = 1_000;

/// What the routes work on.
#[derive(Clone, Debug)]
struct Office {
    store: Arc<Store>,
    webhooks: Arc<Webhooks>,
}

/// The routes of deliveries.
pub(crate) fn router(store: Arc<Store>, webhooks: Arc<Webhooks>) -> Router {
    Router::new()
        .route("/sandbox/deliveries", get(list).post(add).delete(forget))
        .route("/sandbox/deliveries/resend", post(resend))
        .with_state(Office { store, webhooks })
}

async fn list(Shared(office): Shared<Office>, request: Request) -> Response {
    answer(request, async |mut params| {
        params.expect(&["endpoint", "event", "limit"], &[])?;
        let (event, endpoint) = (params.text("event", 5_000)?, params.text("endpoint", 5_000)?);
        let limit = params.integer_in("limit", 1..=MOST_SHOWN)?.unwrap_or(100);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let rules: Vec<Value> = office.webhooks.rules().iter().map(rule).collect();
        let fits = |delivery: &&Delivery| {
            event.as_ref().is_none_or(|event| *event == delivery.event)
                && endpoint.as_ref().is_none_or(|endpoint| *endpoint == delivery.endpoint)
        };
        Ok(office.store.read(|state| {
            let newest = state.deliveries.oldest_first().rev().filter(fits).take(limit);
            let data: Vec<Value> = newest.map(|delivery| shown(delivery, state)).collect();
            json!({ "rules": rules, "pending": state.deliveries.pending(), "data": data })
        }))
    })
    .await
}

async fn add(Shared(office): Shared<Office>, request: Request) -> Response {
    answer(request, async |params| {
        let asked = read(params)?;
        if let Some(endpoint) = &asked.endpoint {
            office.store.read(|state| known_endpoint(state, endpoint))?;
        }
        let made = office.webhooks.add_rule(asked).map_err(|_| {
            let message = format!(
                "There are {MOST_RULES} rules for deliveries already; DELETE /sandbox/deliveries forgets them."
            );
            ApiError::refused(400, None, message)
        })?;
        Ok(rule(&made))
    })
    .await
}

async fn forget(Shared(office): Shared<Office>, request: Request) -> Response {
    answer(request, async |_| Ok(json!({ "forgotten": office.webhooks.forget_rules() }))).await
}

async fn resend(Shared(office): Shared<Office>, request: Request) -> Response {
    answer(request, async |mut params| {
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
            // One that is named gets the event also where it has not asked for its type.
            let receivers = all
                .filter(|each| !each.disabled && (endpoint.is_some() || each.wants(&found.kind)));
            Ok(receivers
                .map(|each| transaction.deliver(&event, &each.id, true))
                .collect::<Vec<u64>>())
        };
        let show = |made: Vec<u64>, state: &State| {
            let made = made.iter().filter_map(|id| state.deliveries.get(*id));
            made.map(|delivery| shown(delivery, state)).collect::<Vec<Value>>()
        };
        Ok(json!({ "data": office.store.transact_then::<_, _, ApiError>(work, show)? }))
    })
    .await
}

fn known_endpoint(state: &State, id: &str) -> Result<(), ApiError> {
    let found = state.webhook_endpoints.get(id).map(|_| ());
    found.ok_or_else(|| ApiError::missing("webhook endpoint", id, "endpoint"))
}

fn shown(delivery: &Delivery, state: &State) -> Value {
    view::delivery(delivery, state.events.get(&delivery.event).map(|event| event.kind.as_str()))
}

fn read(mut params: Params) -> Result<Rule, ApiError> {
    params.expect(&["endpoint", "fault", "seconds", "times", "type"], &[])?;
    let word = params.choice("fault", &["late", "double", "reorder", "lose"])?;
    let word = word.ok_or_else(|| params.absent("fault"))?;
    let seconds = params.integer_in("seconds", 1..=LATEST_SECONDS)?;
    let fault = match (word, seconds) {
        ("late", None) => return Err(params.absent("seconds")),
        ("late", Some(seconds)) => Fault::Late(seconds.unsigned_abs()),
        (_, Some(_)) => {
            return Err(ApiError::invalid(None, "seconds", "Only what comes late has seconds"));
        }
        ("double", None) => Fault::Double,
        ("reorder", None) => Fault::Reorder,
        (_, None) => Fault::Lose,
    };
    // Nothing has an order of its own alone.
    let fewest = if fault == Fault::Reorder { 2 } else { 1 };
    let times = params.integer_in("times", fewest..=MOST_TIMES)?.unwrap_or(fewest);
    let kind = params.text("type", 5_000)?;
    // A misspelt type would wait for ever for its event.
    if kind.as_ref().is_some_and(|kind| !EVENT_TYPES.iter().any(|known| matches(kind, known))) {
        return Err(ApiError::invalid(None, "type", "Invalid type: there are no such events"));
    }
    let times = u32::try_from(times).unwrap_or(u32::MAX);
    Ok(Rule { id: 0, fault, kind, endpoint: params.text("endpoint", 5_000)?, times })
}

fn rule(rule: &Rule) -> Value {
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
