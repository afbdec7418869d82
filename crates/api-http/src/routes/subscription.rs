//! `GET /api/v1/subscriptions/current`, `…/current/api` and `…/plans`: what the caller is subscribed to, and what there is.

use axum::Json;
use axum::extract::State;
use billing_domain::{BillingCycle, Currency, CurrentSubscription, Plan};
use http_edge::Problem;
use serde_json::{Value, json};

use crate::caller::{Caller, Kind, ReadsSubscription};
use crate::timestamps::rfc3339;
use crate::{Api, problem};

pub(crate) async fn current<K: Kind>(
    State(api): State<Api>,
    caller: Caller<K, ReadsSubscription>,
) -> Result<Json<Value>, Problem> {
    let current = api
        .subscriptions
        .current(&caller.principal, caller.deadline)
        .await
        .map_err(|error| problem::from_current_error(error, K::IS_TOKEN))?;
    Ok(Json(described(current.as_ref())))
}

pub(crate) async fn plans(State(api): State<Api>) -> Json<Value> {
    let plans: Vec<Value> = api.subscriptions.catalogue().plans().iter().map(offered).collect();
    Json(json!({ "plans": plans }))
}

fn described(current: Option<&CurrentSubscription>) -> Value {
    let Some(current) = current else {
        return json!({ "hasSubscription": false, "subscription": null, "planDetails": null });
    };
    let subscription = &current.subscription;
    json!({
        "hasSubscription": true,
        "subscription": {
            "plan": current.plan.as_ref().map(|plan| plan.id.as_str()),
            "status": subscription.status.as_str(),
            "billingCycle": current.cycle.map(BillingCycle::as_str),
            "currentPeriodStart": subscription.period_start.map(rfc3339),
            "currentPeriodEnd": subscription.period_end.map(rfc3339),
            "cancelAtPeriodEnd": subscription.is_cancelling(),
        },
        "planDetails": current.plan.as_ref().zip(current.cycle).map(|(plan, cycle)| json!({
            "id": plan.id.as_str(),
            "name": plan.name,
            "monthlyCredits": plan.monthly_credits,
            "price": plan.price(cycle).map(|price| major_units(price.amount, &plan.currency)),
            "features": plan.features,
        })),
    })
}

fn offered(plan: &Plan) -> Value {
    let price =
        |cycle: BillingCycle| plan.price(cycle).map(|price| json!({ "priceCents": price.amount }));
    json!({
        "id": plan.id.as_str(),
        "name": plan.name,
        "monthlyCredits": plan.monthly_credits,
        "features": plan.features,
        "currency": plan.currency.as_str(),
        "monthly": price(BillingCycle::Monthly),
        "yearly": price(BillingCycle::Yearly),
    })
}

/// An amount of minor units as people say it: 1950 cents are 19.5, 2000 are 20.
fn major_units(amount: u64, currency: &Currency) -> Value {
    let unit = 10_u64.pow(currency.decimals());
    if amount.is_multiple_of(unit) {
        return json!(amount / unit);
    }
    let width = currency.decimals() as usize;
    // Through the decimal text: the number that JSON shows is the very amount.
    format!("{}.{:0width$}", amount / unit, amount % unit)
        .parse::<f64>()
        .map_or(Value::Null, |amount| json!(amount))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_in_their_currency() {
        let shown = |amount, code: &str| major_units(amount, &code.parse().unwrap()).to_string();
        assert_eq!(shown(2000, "usd"), "20");
        assert_eq!(shown(1950, "usd"), "19.5");
        assert_eq!(shown(1909, "usd"), "19.09");
        assert_eq!(shown(5, "usd"), "0.05");
        assert_eq!(shown(1909, "jpy"), "1909");
        assert_eq!(shown(5120, "kwd"), "5.12");
    }
}
