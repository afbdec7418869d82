//! `GET /api/v1/subscriptions/current` and `…/current/api`: returns the caller's subscription.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use billing_domain::{Currency, CurrentSubscription, Operation};
use http_edge::Problem;
use serde::Serialize;
use serde_json::{Number, json};
use utoipa::ToSchema;

use super::checkout::Cycle;
use crate::caller::{Caller, CredentialType, Purpose};
use crate::endpoint::{Endpoint, PROVIDER_ERRORS};
use crate::openapi::SUBSCRIPTIONS;
use crate::problem;
use crate::state::AppState;
use crate::timestamps::rfc3339;

const CURRENT: &str = "/api/v1/subscriptions/current";
const CURRENT_BY_API_KEY: &str = "/api/v1/subscriptions/current/api";

/// Reads the current subscription.
#[derive(Debug)]
pub(crate) struct ReadsSubscription;

impl Purpose for ReadsSubscription {
    const OPERATION: Operation = Operation::ReadSubscription;
    const ACCESS_TOKEN_ROUTE: &'static str = CURRENT;
    const API_KEY_ROUTE: Option<&'static str> = Some(CURRENT_BY_API_KEY);
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CurrentSubscription)]
pub(crate) struct Answer {
    /// Whether the user has a subscription that was purchased and has not ended, regardless of
    /// unpaid invoices.
    has_subscription: bool,
    #[schema(required, inline)]
    subscription: Option<Subscription>,
    #[schema(required, inline)]
    plan_details: Option<PlanDetails>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    /// Id of the plan. Null if the catalogue does not have the subscription's price.
    #[schema(required)]
    plan: Option<String>,
    #[schema(value_type = Status, inline)]
    status: &'static str,
    #[schema(required)]
    billing_cycle: Option<Cycle>,
    #[schema(required, format = "date-time")]
    current_period_start: Option<String>,
    #[schema(required, format = "date-time")]
    current_period_end: Option<String>,
    /// Whether the subscription has a scheduled end, at the end of the period or at another time.
    cancel_at_period_end: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "OpenAPI schema of the domain's statuses")]
enum Status {
    Active,
    Trialing,
    PastDue,
    Unpaid,
    Paused,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlanDetails {
    id: String,
    name: String,
    /// Credits per month.
    monthly_credits: u64,
    /// Price per billing cycle in the currency's major unit: 9.5 is 9 dollars and 50 cents.
    #[schema(required, value_type = Option<f64>)]
    price: Option<Number>,
    features: Vec<String>,
}

pub(crate) fn endpoint<C: CredentialType>() -> Endpoint {
    let description = "Returns the current subscription of the caller. The service reads it from \
                       its mirror of the provider and refreshes stale data first.";
    let permission = C::pick("", " The API key needs the permission `subscriptions:read`.");
    Endpoint::get(C::pick(CURRENT, CURRENT_BY_API_KEY), current::<C>)
        .operation(
            C::pick("currentSubscription", "currentSubscriptionWithApiKey"),
            SUBSCRIPTIONS,
            format!("Get the current subscription with {}", C::NAME),
        )
        .description(format!("{description}{permission}"))
        .credential::<C>()
        .returns::<Answer>(
            200,
            "The current subscription. `subscription` and `planDetails` are null without one.",
            Some(json!({
                "hasSubscription": true,
                "subscription": {
                    "plan": "starter",
                    "status": "active",
                    "billingCycle": "monthly",
                    "currentPeriodStart": "2026-11-25T09:30:00Z",
                    "currentPeriodEnd": "2026-12-25T09:30:00Z",
                    "cancelAtPeriodEnd": false
                },
                "planDetails": {
                    "id": "starter",
                    "name": "Starter",
                    "monthlyCredits": 1000,
                    "price": 9,
                    "features": ["1,000 credits a month"]
                }
            })),
        )
        .errors(PROVIDER_ERRORS)
}

async fn current<C: CredentialType>(
    State(app): State<Arc<AppState>>,
    caller: Caller<C, ReadsSubscription>,
) -> Result<Json<Answer>, Problem> {
    let current = app
        .subscriptions
        .current(&caller.principal, caller.deadline)
        .await
        .map_err(|error| problem::from_current_error(error, C::IS_TOKEN))?;
    Ok(Json(Answer {
        has_subscription: current.is_some(),
        subscription: current.as_ref().map(subscription),
        plan_details: current.as_ref().and_then(plan_details),
    }))
}

fn subscription(current: &CurrentSubscription) -> Subscription {
    let subscription = &current.subscription;
    Subscription {
        plan: current.plan.as_ref().map(|plan| plan.id.as_str().to_owned()),
        status: subscription.status.as_str(),
        billing_cycle: current.cycle.map(Cycle::from),
        current_period_start: subscription.period_start.map(rfc3339),
        current_period_end: subscription.period_end.map(rfc3339),
        cancel_at_period_end: subscription.is_cancelling(),
    }
}

fn plan_details(current: &CurrentSubscription) -> Option<PlanDetails> {
    let (plan, cycle) = current.plan.as_ref().zip(current.cycle)?;
    let price = plan.price(cycle);
    Some(PlanDetails {
        id: plan.id.as_str().to_owned(),
        name: plan.name.clone(),
        monthly_credits: plan.monthly_credits,
        price: price.and_then(|price| major_units(price.amount, &plan.currency)),
        features: plan.features.clone(),
    })
}

/// Converts minor units to the major unit: 1950 cents are 19.5, 2000 cents are 20.
fn major_units(amount: u64, currency: &Currency) -> Option<Number> {
    let unit = 10_u64.pow(currency.decimals());
    if amount.is_multiple_of(unit) {
        return Some(Number::from(amount / unit));
    }
    let width = currency.decimals() as usize;
    // Parse the decimal text, so that the JSON number is exact.
    let text = format!("{}.{:0width$}", amount / unit, amount % unit);
    Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_in_their_currency() {
        let formatted =
            |amount, code: &str| major_units(amount, &code.parse().unwrap()).unwrap().to_string();
        assert_eq!(formatted(2000, "usd"), "20");
        assert_eq!(formatted(1950, "usd"), "19.5");
        assert_eq!(formatted(1909, "usd"), "19.09");
        assert_eq!(formatted(5, "usd"), "0.05");
        assert_eq!(formatted(1909, "jpy"), "1909");
        assert_eq!(formatted(5120, "kwd"), "5.12");
    }
}
