//! `POST /api/v1/subscriptions/checkout` and `…/checkout/api`: a checkout session for the caller's first subscription.

use axum::Json;
use axum::extract::State;
use billing_domain::{BillingCycle, IdempotencyKey, StartCheckout};
use http::HeaderMap;
use http_edge::{Problem, StrictJson};
use serde::{Deserialize, Serialize};

use crate::caller::{Caller, Kind, StartsCheckout};
use crate::error_code::ErrorCode;
use crate::{Api, problem};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The request's body.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CheckoutBody {
    plan_id: Option<String>,
    billing_cycle: Option<String>,
    success_url: Option<String>,
    cancel_url: Option<String>,
}

/// The answer: its URL is for the user alone.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckoutAnswer {
    session_id: String,
    url: String,
    plan: PlanAnswer,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanAnswer {
    id: String,
    name: String,
    monthly_credits: u64,
    price_cents: u64,
}

pub(crate) async fn start<K: Kind>(
    State(api): State<Api>,
    caller: Caller<K, StartsCheckout>,
    headers: HeaderMap,
    StrictJson(body): StrictJson<CheckoutBody>,
) -> Result<Json<CheckoutAnswer>, Problem> {
    let invalid = |detail| problem::problem(ErrorCode::InvalidRequest, detail);
    let cycle = match body.billing_cycle.as_deref().map(str::parse) {
        None => BillingCycle::Monthly,
        Some(Ok(cycle)) => cycle,
        Some(Err(_)) => {
            return Err(invalid("Send `monthly` or `yearly` as `billingCycle`, or leave it out."));
        }
    };
    let request = StartCheckout {
        plan: body.plan_id.ok_or_else(|| invalid("Send the plan's id as `planId`."))?,
        cycle,
        success_url: body.success_url,
        cancel_url: body.cancel_url,
        key: idempotency_key(&headers).map_err(invalid)?,
        deadline: caller.deadline,
        origin: caller.origin,
    };
    let started = api
        .checkout
        .start(&caller.principal, request)
        .await
        .map_err(|error| problem::from_checkout_error(error, K::IS_TOKEN))?;
    let (session, plan) = (started.session, started.plan);
    tracing::info!(owner = %caller.principal.owner, method = ?caller.principal.method, session = %session.id, plan = %plan.id, "checkout started");
    Ok(Json(CheckoutAnswer {
        session_id: session.id.as_str().to_owned(),
        url: session.url.expose().to_owned(),
        plan: PlanAnswer {
            id: plan.id.as_str().to_owned(),
            name: plan.name,
            monthly_credits: plan.monthly_credits,
            price_cents: started.price.amount,
        },
    }))
}

/// The caller's key, or what to send instead.
fn idempotency_key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, &'static str> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).into_iter();
    match (keys.next(), keys.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => {
            let key = key.to_str().ok().and_then(|key| key.parse().ok());
            key.map(Some).ok_or("Send 1 to 255 visible ASCII characters as `Idempotency-Key`.")
        }
        (Some(_), Some(_)) => Err("Send one `Idempotency-Key` header, not several."),
    }
}
