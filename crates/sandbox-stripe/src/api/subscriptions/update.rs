//! `POST /v1/subscriptions/{subscription_exposed_id}`.

use super::terms::{
    DAY, MAX_TRIAL_DAYS, UNSIMULATED, read_cancel_at, read_cancellation_details,
    read_payment_behavior, read_proration, read_trial_settings,
};
use super::{change_items, find, read_changes};
use crate::api::call::{Call, Reply};
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::payment_methods;
use crate::billing::{ConfirmError, PlanChange, confirm};
use crate::model::{PaymentFailure, Subscription, SubscriptionStatus, Timestamp};

const KNOWN: &[&str] = &[
    "billing_cycle_anchor",
    "cancel_at",
    "cancel_at_period_end",
    "cancellation_details",
    "default_payment_method",
    "description",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_settings",
];

/// `POST /v1/subscriptions/{subscription_exposed_id}`
pub(crate) fn update(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut subscription = find(call, "subscription_exposed_id")?;
    let own = ["collection_method", "pause_collection"];
    call.params.expect(KNOWN, &[UNSIMULATED, &own].concat())?;
    let now = call.transaction.now();
    if !subscription.is_running() {
        return update_ended(call, subscription);
    }
    let params = &mut call.params;
    params.boolean("off_session")?;
    params.patch("description", 500)?.apply(&mut subscription.description);
    if let Some(id) = params.text("default_payment_method", 5_000)? {
        let param = "default_payment_method".to_owned();
        let method =
            payment_methods::of_customer(call.transaction, &subscription.customer, &id, param)?;
        subscription.default_payment_method = Some(method.id.clone());
    }
    if let Some(missing) = read_trial_settings(params)? {
        subscription.missing_payment_method = missing;
    }
    params.metadata(&mut subscription.metadata)?;
    let behavior = read_payment_behavior(params)?;
    let end = read_cancel_at(params, now)?;
    let ends_trial = change_trial(params, &mut subscription, now)?;
    let change = PlanChange {
        items: read_changes(params, call.transaction, &subscription)?,
        proration: read_proration(params)?,
        at: params.integer("proration_date")?.unwrap_or(now),
        begins: now,
        resets_anchor: params.choice("billing_cycle_anchor", &["now", "unchanged"])? == Some("now"),
        ends_trial,
    };
    end.apply(&mut subscription, now);
    read_cancellation_details(params, &mut subscription)?;
    if change.items.is_empty() && !change.resets_anchor && !change.ends_trial {
        let id = subscription.id.clone();
        call.transaction.put(subscription);
        return Ok(Reply::Object(id));
    }
    let planned = change_items(call.transaction, &subscription, &change, &Params::default())?;
    match confirm(call.transaction, planned, behavior, false) {
        Ok(subscription) => Ok(Reply::Object(subscription.id)),
        Err(error) => Err(to_api_error(error)),
    }
}

fn to_api_error(error: ConfirmError) -> ApiError {
    match error {
        ConfirmError::Declined(decline) => ApiError::card(decline),
        ConfirmError::NeedsAuthentication => ApiError::payment(PaymentFailure::NeedsAuthentication),
        ConfirmError::NoPaymentMethod => ApiError::payment(PaymentFailure::NoPaymentMethod),
        ConfirmError::Failed(error) => error.into(),
    }
}

/// Updates an ended subscription: only its cancellation details and metadata can change.
fn update_ended(
    call: &mut Call<'_, '_>,
    mut subscription: Subscription,
) -> Result<Reply, ApiError> {
    if call.params.has_other_than(&["cancellation_details", "metadata"]) {
        let message =
            "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::conflicts(None, message));
    }
    read_cancellation_details(&mut call.params, &mut subscription)?;
    call.params.metadata(&mut subscription.metadata)?;
    let id = subscription.id.clone();
    call.transaction.put(subscription);
    Ok(Reply::Object(id))
}

/// Reads `trial_end`; returns whether the trial ends now.
fn change_trial(
    params: &mut Params,
    subscription: &mut Subscription,
    now: Timestamp,
) -> Result<bool, ApiError> {
    let Some(text) = params.text("trial_end", 40)? else { return Ok(false) };
    let trialing = subscription.status == SubscriptionStatus::Trialing;
    let invalid = |message: &str| Err(ApiError::invalid(None, "trial_end", message));
    match (text.as_str(), text.parse::<i64>(), &mut subscription.trial) {
        ("now", ..) => Ok(trialing),
        (_, Ok(end), _) if end > now + MAX_TRIAL_DAYS * DAY => {
            invalid(&format!("A trial lasts at most {MAX_TRIAL_DAYS} days."))
        }
        (_, Ok(end), Some(trial)) if trialing && end > now => {
            trial.end = end;
            subscription.billing_cycle_anchor = end;
            subscription.items.iter_mut().for_each(|item| item.current_period_end = end);
            if subscription.cancellation.cancel_at_period_end {
                subscription.cancellation.cancel_at = Some(end);
            }
            Ok(false)
        }
        (_, Ok(end), _) if end <= now => {
            invalid("Invalid timestamp: must be an integer Unix time in the future")
        }
        (_, Ok(_), _) => {
            invalid("This sandbox can extend a trial, but not start one on a running subscription.")
        }
        (_, Err(_), _) => invalid("Invalid timestamp"),
    }
}
