//! The parameters that creating and updating a subscription share.

use crate::api::error::ApiError;
use crate::api::params::{Params, Patch};
use crate::billing::{PaymentBehavior, undo_cancellation};
use crate::model::{
    Customer, Feedback, MissingPaymentMethod, ProrationBehavior, Subscription, Timestamp,
};

pub(super) const UNSIMULATED: &[&str] = &[
    "add_invoice_items",
    "application_fee_percent",
    "automatic_tax",
    "billing_schedules",
    "billing_thresholds",
    "customer_account",
    "days_until_due",
    "default_source",
    "default_tax_rates",
    "discounts",
    "invoice_settings",
    "on_behalf_of",
    "payment_settings",
    "pending_invoice_item_interval",
    "transfer_data",
    "trial_from_plan",
];

/// Stripe's maximum trial: two years (<https://docs.stripe.com/billing/subscriptions/trials>).
pub(crate) const MAX_TRIAL_DAYS: i64 = 730;

pub(super) const DAY: i64 = 24 * 60 * 60;

/// The end of the year 2099. A later time is most likely a mistake.
const LATEST: Timestamp = 4_102_444_799;

/// The end of a subscription, as requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelAt {
    /// Not given.
    Keep,
    /// Never.
    Never,
    /// At the end of the period, by the flag.
    PeriodEnd,
    /// At the end of the first or the last of the items' periods.
    MinPeriodEnd,
    MaxPeriodEnd,
    Time(Timestamp),
}

/// Refuses a second currency for a customer.
pub(crate) fn check_currency(customer: &Customer, currency: &str) -> Result<(), ApiError> {
    if customer.currency.as_ref().is_some_and(|own| own != currency) {
        let message = "You cannot combine currencies on a single customer. This customer has had a \
        subscription or invoice in another currency.";
        return Err(ApiError::conflicts(None, message));
    }
    Ok(())
}

/// Accepts the flexible billing mode only.
pub(crate) fn check_billing_mode(params: &mut Params) -> Result<(), ApiError> {
    if let Some(mut mode) = params.object("billing_mode")? {
        mode.expect(&["type"], &["flexible"])?;
        if mode.choice("type", &["classic", "flexible"])?.ok_or_else(|| mode.absent("type"))?
            == "classic"
        {
            let message = "This sandbox supports the flexible billing mode only.";
            return Err(ApiError::invalid(None, mode.name("type"), message));
        }
    }
    Ok(())
}

pub(crate) fn read_trial_settings(
    params: &mut Params,
) -> Result<Option<MissingPaymentMethod>, ApiError> {
    let Some(mut settings) = params.object("trial_settings")? else { return Ok(None) };
    settings.expect(&["end_behavior"], &[])?;
    let mut end = settings.required_object("end_behavior")?;
    end.expect(&["missing_payment_method"], &[])?;
    let word = end.choice("missing_payment_method", &["cancel", "create_invoice", "pause"])?;
    Ok(Some(match word.ok_or_else(|| end.absent("missing_payment_method"))? {
        "cancel" => MissingPaymentMethod::Cancel,
        "pause" => MissingPaymentMethod::Pause,
        _ => MissingPaymentMethod::CreateInvoice,
    }))
}

pub(crate) fn read_proration(params: &mut Params) -> Result<ProrationBehavior, ApiError> {
    let word = params.choice("proration_behavior", ProrationBehavior::WORDS)?;
    Ok(word.and_then(ProrationBehavior::of_word).unwrap_or(ProrationBehavior::CreateProrations))
}

pub(super) fn read_payment_behavior(params: &mut Params) -> Result<PaymentBehavior, ApiError> {
    let words =
        ["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];
    match params.choice("payment_behavior", &words)? {
        None | Some("allow_incomplete") => Ok(PaymentBehavior::AllowIncomplete),
        Some("default_incomplete") => Ok(PaymentBehavior::DefaultIncomplete),
        Some("error_if_incomplete") => Ok(PaymentBehavior::ErrorIfIncomplete),
        Some(_) => {
            Err(ApiError::invalid(None, "payment_behavior", "This sandbox has no pending updates."))
        }
    }
}

pub(super) fn read_cancellation_details(
    params: &mut Params,
    subscription: &mut Subscription,
) -> Result<(), ApiError> {
    let Some(mut details) = params.object("cancellation_details")? else { return Ok(()) };
    details.expect(&["comment", "feedback"], &[])?;
    details.patch("comment", 5_000)?.apply(&mut subscription.cancellation.comment);
    match details.patch("feedback", 5_000)? {
        Patch::Set(word) if Feedback::of_word(&word).is_none() => {
            let name = details.name("feedback");
            let message = format!("Invalid {name}: must be one of {}", Feedback::WORDS.join(", "));
            Err(ApiError::invalid(None, name, message))
        }
        patch => {
            patch.apply(&mut subscription.cancellation.feedback);
            Ok(())
        }
    }
}

/// Reads `cancel_at` and `cancel_at_period_end`.
pub(super) fn read_cancel_at(params: &mut Params, now: Timestamp) -> Result<CancelAt, ApiError> {
    let flag = params.boolean("cancel_at_period_end")?;
    let time = match params.patch("cancel_at", 40)? {
        Patch::Keep => CancelAt::Keep,
        Patch::Clear => CancelAt::Never,
        Patch::Set(word) if word == "min_period_end" => CancelAt::MinPeriodEnd,
        Patch::Set(word) if word == "max_period_end" => CancelAt::MaxPeriodEnd,
        Patch::Set(word) if word == "max_billed_until" => {
            let message =
                "This sandbox has no billing schedules: it bills a subscription once per period.";
            return Err(ApiError::invalid(None, "cancel_at", message));
        }
        Patch::Set(text) => match text.parse() {
            Ok(time) if time > now && time <= LATEST => CancelAt::Time(time),
            Ok(time) if time > LATEST => {
                return Err(ApiError::invalid(
                    None,
                    "cancel_at",
                    "Invalid timestamp: too far in the future",
                ));
            }
            _ => {
                let message = "Invalid timestamp: must be an integer Unix time in the future";
                return Err(ApiError::invalid(None, "cancel_at", message));
            }
        },
    };
    match (flag, time) {
        // With the flag, an empty cancel_at clears the time and keeps the cancellation.
        (Some(true), CancelAt::Keep | CancelAt::Never) => Ok(CancelAt::PeriodEnd),
        (Some(false), CancelAt::Keep) => Ok(CancelAt::Never),
        (Some(true), CancelAt::Time(_) | CancelAt::MinPeriodEnd | CancelAt::MaxPeriodEnd) => {
            let message = "cancel_at and cancel_at_period_end cannot be combined.";
            Err(ApiError::invalid(None, "cancel_at_period_end", message))
        }
        (_, time) => Ok(time),
    }
}

impl CancelAt {
    pub(super) fn apply(self, subscription: &mut Subscription, now: Timestamp) {
        let last = subscription.items.iter().map(|item| item.current_period_end).max();
        let end = match self {
            Self::Keep => return,
            Self::Never => return undo_cancellation(subscription),
            Self::PeriodEnd | Self::MinPeriodEnd => subscription.period_end(),
            Self::MaxPeriodEnd => last,
            Self::Time(time) => Some(time),
        };
        let cancellation = &mut subscription.cancellation;
        cancellation.cancel_at = end;
        cancellation.cancel_at_period_end = self == Self::PeriodEnd;
        cancellation.canceled_at = Some(now);
        cancellation.reason = Some("cancellation_requested".to_owned());
    }
}
