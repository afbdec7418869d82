//! `GET /api/v1/subscriptions/plans`: returns the plan catalogue.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::{BillingCycle, Plan};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::endpoint::Endpoint;
use crate::openapi::SUBSCRIPTIONS;
use crate::state::AppState;

const PLANS: &str = "/api/v1/subscriptions/plans";

#[derive(Serialize, ToSchema)]
#[schema(as = Plans)]
pub(crate) struct Answer {
    #[schema(inline)]
    plans: Vec<Offer>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Offer {
    id: String,
    name: String,
    /// Credits per month.
    monthly_credits: u64,
    features: Vec<String>,
    /// ISO 4217 code in lower case.
    currency: String,
    /// Monthly price. Null if the plan has none.
    #[schema(required, inline)]
    monthly: Option<Price>,
    /// Yearly price. Null if the plan has none.
    #[schema(required, inline)]
    yearly: Option<Price>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Price {
    /// Amount in the currency's minor unit.
    price_cents: u64,
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::get(PLANS, plans)
        .operation("listPlans", SUBSCRIPTIONS, "List the plans")
        .description("Returns the plans for a pricing page. No credential is needed.")
        .returns::<Answer>(
            200,
            "The plan catalogue.",
            Some(json!({ "plans": [{
                "id": "starter",
                "name": "Starter",
                "monthlyCredits": 1000,
                "features": ["1,000 credits a month"],
                "currency": "usd",
                "monthly": { "priceCents": 900 },
                "yearly": { "priceCents": 9000 }
            }] })),
        )
}

async fn plans(State(app): State<Arc<AppState>>) -> Json<Answer> {
    let plans = app.subscriptions.catalogue().plans().iter().map(offer).collect();
    Json(Answer { plans })
}

fn offer(plan: &Plan) -> Offer {
    let price = |cycle| plan.price(cycle).map(|price| Price { price_cents: price.amount });
    Offer {
        id: plan.id.as_str().to_owned(),
        name: plan.name.clone(),
        monthly_credits: plan.monthly_credits,
        features: plan.features.clone(),
        currency: plan.currency.as_str().to_owned(),
        monthly: price(BillingCycle::Monthly),
        yearly: price(BillingCycle::Yearly),
    }
}
