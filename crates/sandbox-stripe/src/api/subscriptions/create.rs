//! `POST /v1/subscriptions`.

use super::items;
use super::terms::{
    CancelAt, DAY, MAX_TRIAL_DAYS, UNSIMULATED, check_billing_mode, check_currency, read_cancel_at,
    read_payment_behavior, read_trial_settings,
};
use crate::api::call::{Call, Reply};
use crate::api::error::ApiError;
use crate::api::params::Params;
use crate::api::payment_methods;
use crate::billing::{NewSubscription, SubscribeError, subscribe};
use crate::model::{Customer, Metadata};

const KNOWN: &[&str] = &[
    "billing_mode",
    "cancel_at",
    "cancel_at_period_end",
    "collection_method",
    "currency",
    "customer",
    "default_payment_method",
    "description",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "proration_behavior",
    "trial_end",
    "trial_period_days",
    "trial_settings",
];

/// `POST /v1/subscriptions`
pub(crate) fn create(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let unsimulated =
        ["backdate_start_date", "billing_cycle_anchor", "billing_cycle_anchor_config"];
    call.params.expect(KNOWN, &[UNSIMULATED, &unsimulated].concat())?;
    let now = call.transaction.now();
    let customer = customer(call)?;
    let (items, recurring) = items::read_new(call)?;
    let params = &mut call.params;
    check_fixed(params)?;
    if let Some(currency) = params.text("currency", 3)?
        && items.first().is_some_and(|item| item.price.currency != currency.to_ascii_lowercase())
    {
        return Err(ApiError::invalid(
            None,
            "currency",
            "The currency differs from the currency of the items' prices.",
        ));
    }
    if let Some(item) = items.first() {
        check_currency(&customer, &item.price.currency)?;
    }
    let trial_end = read_trial(params, now)?;
    let missing_payment_method = read_trial_settings(params)?.unwrap_or_default();
    let default_payment_method = match params.text("default_payment_method", 5_000)? {
        Some(id) => {
            let param = "default_payment_method".to_owned();
            Some(
                payment_methods::of_customer(call.transaction, &customer.id, &id, param)?
                    .id
                    .clone(),
            )
        }
        None => None,
    };
    let behavior = read_payment_behavior(params)?;
    let end = read_cancel_at(params, now)?;
    let description = params.text("description", 500)?;
    let mut metadata = Metadata::new();
    params.metadata(&mut metadata)?;
    let order = NewSubscription {
        customer,
        items,
        recurring,
        trial_end,
        missing_payment_method,
        default_payment_method,
        behavior,
        authenticated: false,
        description,
        metadata,
    };
    let mut subscription = subscribe(call.transaction, order).map_err(|error| match error {
        SubscribeError::Payment(failure) => ApiError::payment(failure),
        SubscribeError::Failed(error) => error.into(),
    })?;
    if end != CancelAt::Keep {
        end.apply(&mut subscription, now);
        call.transaction.put(subscription.clone());
    }
    Ok(Reply::Object(subscription.id))
}

fn customer(call: &mut Call<'_, '_>) -> Result<Customer, ApiError> {
    let id = call.params.required_text("customer", 5_000)?;
    let found = call.state().live_customer(&id).cloned();
    found.ok_or_else(|| ApiError::missing("customer", &id, "customer"))
}

/// Checks parameters that accept only one value in the sandbox.
fn check_fixed(params: &mut Params) -> Result<(), ApiError> {
    params.boolean("off_session")?;
    params.choice("proration_behavior", &["always_invoice", "create_prorations", "none"])?;
    if params.choice("collection_method", &["charge_automatically", "send_invoice"])?
        == Some("send_invoice")
    {
        let message = "This sandbox charges automatically. It sends no invoices.";
        return Err(ApiError::invalid(None, "collection_method", message));
    }
    check_billing_mode(params)
}

fn read_trial(params: &mut Params, now: i64) -> Result<Option<i64>, ApiError> {
    let days = params.amount("trial_period_days", i64::MAX)?;
    let too_long = |name: &str| {
        ApiError::invalid(None, name, format!("A trial lasts at most {MAX_TRIAL_DAYS} days."))
    };
    match (params.text("trial_end", 40)?.as_deref(), days) {
        (Some(_), Some(_)) => {
            let message =
                "You may only specify one of these parameters: trial_end, trial_period_days.";
            Err(ApiError::invalid(None, "trial_period_days", message))
        }
        (Some("now"), None) | (None, None | Some(0)) => Ok(None),
        (Some(text), None) => match text.parse::<i64>() {
            Ok(end) if end <= now => Err(ApiError::invalid(
                None,
                "trial_end",
                "Invalid timestamp: must be an integer Unix time in the future",
            )),
            Ok(end) if end > now + MAX_TRIAL_DAYS * DAY => Err(too_long("trial_end")),
            Ok(end) => Ok(Some(end)),
            Err(_) => Err(ApiError::invalid(
                Some("parameter_invalid_integer"),
                "trial_end",
                "Invalid timestamp",
            )),
        },
        (None, Some(days)) if days > MAX_TRIAL_DAYS => Err(too_long("trial_period_days")),
        (None, Some(days)) => Ok(Some(now + days * DAY)),
    }
}
