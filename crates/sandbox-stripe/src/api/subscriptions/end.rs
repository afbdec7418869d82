//! Ends and resumes subscriptions: `DELETE /v1/subscriptions/{subscription_exposed_id}` and
//! `POST /v1/subscriptions/{subscription}/resume`.

use super::find;
use super::terms::read_cancellation_details;
use crate::api::call::{Call, Reply};
use crate::api::error::ApiError;
use crate::billing::{self, Cancelling, SubscribeError, cancel_now};
use crate::model::{ProrationBehavior, SubscriptionStatus};

/// `DELETE /v1/subscriptions/{subscription_exposed_id}`
pub(crate) fn cancel(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let mut subscription = find(call, "subscription_exposed_id")?;
    let params = &mut call.params;
    params.expect(&["cancellation_details", "invoice_now", "prorate"], &[])?;
    if !subscription.is_running() {
        return Err(ApiError::not_found("subscription", &subscription.id, "id"));
    }
    let proration = match (params.boolean("prorate")?, params.boolean("invoice_now")?) {
        (Some(true), Some(true)) => ProrationBehavior::AlwaysInvoice,
        (Some(true), _) => ProrationBehavior::CreateProrations,
        (_, Some(true)) => {
            let message = "This sandbox invoices a cancellation only together with its proration: \
            set prorate too.";
            return Err(ApiError::invalid(None, "invoice_now", message));
        }
        _ => ProrationBehavior::None,
    };
    read_cancellation_details(params, &mut subscription)?;
    let ended = cancel_now(call.transaction, subscription, proration, Cancelling::default())?;
    Ok(Reply::Object(ended.id))
}

/// `POST /v1/subscriptions/{subscription}/resume`
pub(crate) fn resume(call: &mut Call<'_, '_>) -> Result<Reply, ApiError> {
    let subscription = find(call, "subscription")?;
    call.params.expect(&["billing_cycle_anchor", "proration_behavior"], &["proration_date"])?;
    call.params.choice("proration_behavior", ProrationBehavior::WORDS)?;
    if call.params.choice("billing_cycle_anchor", &["now", "unchanged"])? == Some("unchanged") {
        let message = "This sandbox resumes a subscription with a new billing period.";
        return Err(ApiError::invalid(None, "billing_cycle_anchor", message));
    }
    if subscription.status != SubscriptionStatus::Paused {
        let message = "A subscription can only be resumed while its status is paused.";
        return Err(ApiError::conflicts(None, message));
    }
    match billing::resume(call.transaction, subscription) {
        Ok(subscription) => Ok(Reply::Object(subscription.id)),
        Err(SubscribeError::Payment(failure)) => Err(ApiError::payment(failure)),
        Err(SubscribeError::Failed(error)) => Err(error.into()),
    }
}
